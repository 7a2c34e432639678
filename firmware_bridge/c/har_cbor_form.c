/* The form of a message: everything that can be wrong with its CBOR is found here, before a field is read. */
#include "har_cbor.h"

static bool skip(cbor_reader *reader, uint8_t depth);

static uint8_t continuation_bytes(uint8_t first)
{
    if (first < 0x80)
        return 0;
    if (first >= 0xC2 && first <= 0xDF)
        return 1;
    if (first >= 0xE0 && first <= 0xEF)
        return 2;
    return first >= 0xF0 && first <= 0xF4 ? 3 : 0xFF;
}

/* The second byte's range shuts out what has a shorter form, surrogates and what is beyond U+10FFFF. */
static bool second_is_lawful(uint8_t first, uint8_t second)
{
    const uint8_t lowest = first == 0xE0 ? 0xA0 : first == 0xF0 ? 0x90 : 0x80;
    const uint8_t highest = first == 0xED ? 0x9F : first == 0xF4 ? 0x8F : 0xBF;
    return second >= lowest && second <= highest;
}

static bool is_utf8(const uint8_t *at, size_t length)
{
    while (length > 0) {
        const uint8_t more = continuation_bytes(*at);
        if (more >= length || (more > 0 && !second_is_lawful(at[0], at[1])))
            return false;
        for (uint8_t byte = 2; byte <= more; byte++)
            if ((at[byte] & 0xC0) != 0x80)
                return false;
        at += more + 1;
        length -= more + 1u;
    }
    return true;
}

static bool skip_chunk(cbor_reader *reader, const cbor_head *head)
{
    if (head->info == CBOR_INDEFINITE || head->high != 0 || head->low > (size_t)(reader->end - reader->at))
        return false;
    if (head->major == CBOR_TEXT && !is_utf8(reader->at, (size_t)head->low))
        return false;
    reader->at += head->low;
    return true;
}

static bool skip_string(cbor_reader *reader, const cbor_head *head)
{
    cbor_head chunk;
    if (head->info != CBOR_INDEFINITE)
        return skip_chunk(reader, head);
    while (!har_cbor_is_break(reader))
        if (!har_cbor_head(reader, &chunk) || chunk.major != head->major || !skip_chunk(reader, &chunk))
            return false;
    reader->at++;
    return true;
}

static bool is_string(const cbor_reader *reader)
{
    return reader->at < reader->end && (*reader->at >> 5 == CBOR_BYTES || *reader->at >> 5 == CBOR_TEXT);
}

/* An empty container of known length holds nothing, and nests nothing: it may stand anywhere. */
static bool skip_container(cbor_reader *reader, const cbor_head *head, uint8_t depth)
{
    cbor_items items = har_cbor_items(reader, head);
    if (items.counted && items.left == 0 && head->high == 0)
        return true;
    if (depth == 0 || head->high != 0)
        return false;
    while (har_cbor_next(&items)) {
        if (head->major == CBOR_MAP && !(is_string(reader) && skip(reader, depth - 1)))
            return false;
        if (!skip(reader, depth - 1))
            return false;
    }
    return true;
}

static bool is_lawful_simple(const cbor_head *head)
{
    return head->info != CBOR_INDEFINITE && !(head->info == CBOR_ONE_BYTE && head->low < 32);
}

static bool skip(cbor_reader *reader, uint8_t depth)
{
    cbor_head head;
    if (!har_cbor_head(reader, &head))
        return false;
    switch (head.major) {
    case CBOR_BYTES:
    case CBOR_TEXT:
        return skip_string(reader, &head);
    case CBOR_ARRAY:
    case CBOR_MAP:
        return skip_container(reader, &head, depth);
    case CBOR_TAG:
        return head.low == CBOR_FLOAT32_ARRAY && head.high == 0 && depth > 0 && skip(reader, depth - 1);
    case CBOR_SIMPLE:
        return is_lawful_simple(&head);
    default:
        return head.info != CBOR_INDEFINITE;
    }
}

void har_cbor_skip(cbor_reader *reader)
{
    skip(reader, CBOR_DEPTH_MAX);
}

bool har_cbor_whole(cbor_reader reader)
{
    return skip(&reader, CBOR_DEPTH_MAX) && reader.at == reader.end;
}
