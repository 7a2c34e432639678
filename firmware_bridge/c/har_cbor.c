#include "har_cbor.h"

#include <string.h>

static size_t left(const cbor_reader *reader)
{
    return (size_t)(reader->end - reader->at);
}

bool har_cbor_head(cbor_reader *reader, cbor_head *head)
{
    if (left(reader) == 0)
        return false;
    const uint8_t first = *reader->at++;
    head->major = first >> 5;
    head->info = first & 0x1F;
    head->high = 0;
    head->low = head->info;
    if (head->info < CBOR_ONE_BYTE || head->info == CBOR_INDEFINITE)
        return true;
    if (head->info > CBOR_DOUBLE)
        return false;
    const uint8_t width = (uint8_t)(1u << (head->info - CBOR_ONE_BYTE));
    if (left(reader) < width)
        return false;
    head->low = 0;
    for (uint8_t byte = 0; byte < width; byte++) {
        head->high = (head->high << 8) | (head->low >> 24);
        head->low = (head->low << 8) | *reader->at++;
    }
    return true;
}

bool har_cbor_is_break(const cbor_reader *reader)
{
    return left(reader) > 0 && *reader->at == 0xFF;
}

cbor_items har_cbor_items(cbor_reader *reader, const cbor_head *head)
{
    cbor_items items = {reader, head->info != CBOR_INDEFINITE, head->low};
    return items;
}

bool har_cbor_next(cbor_items *items)
{
    if (items->counted)
        return items->left > 0 && items->left-- > 0;
    if (!har_cbor_is_break(items->reader))
        return true;
    items->reader->at++;
    return false;
}

bool har_cbor_is_text(cbor_reader item)
{
    cbor_head head;
    return har_cbor_head(&item, &head) && head.major == CBOR_TEXT;
}

cbor_items har_cbor_pieces(cbor_reader *reader, const cbor_head *head)
{
    cbor_items pieces = {reader, head->info != CBOR_INDEFINITE, 1};
    return pieces;
}

bool har_cbor_next_piece(cbor_items *pieces, cbor_head *head)
{
    return har_cbor_next(pieces) && (pieces->counted || har_cbor_head(pieces->reader, head));
}

bool har_cbor_text(cbor_reader item, char *out, size_t room)
{
    cbor_head head;
    size_t used = 0;
    har_cbor_head(&item, &head);
    if (head.major != CBOR_TEXT)
        return false;
    cbor_items pieces = har_cbor_pieces(&item, &head);
    while (har_cbor_next_piece(&pieces, &head)) {
        if (head.low >= room - used || memchr(item.at, 0, (size_t)head.low) != NULL)
            return false;
        memcpy(out + used, item.at, (size_t)head.low);
        used += (size_t)head.low;
        item.at += head.low;
    }
    out[used] = '\0';
    return true;
}

bool har_cbor_unsigned(cbor_reader item, uint32_t highest, uint32_t *value)
{
    cbor_head head;
    har_cbor_head(&item, &head);
    *value = head.low;
    return head.major == CBOR_UNSIGNED && head.high == 0 && head.low <= highest;
}

bool har_cbor_int32(cbor_reader *reader, int32_t *value)
{
    cbor_head head;
    har_cbor_head(reader, &head);
    if (head.major > CBOR_NEGATIVE || head.high != 0 || head.low > INT32_MAX)
        return false;
    *value = head.major == CBOR_UNSIGNED ? (int32_t)head.low : -1 - (int32_t)head.low;
    return true;
}

bool har_cbor_find(cbor_reader map, const char *key, cbor_reader *value)
{
    cbor_head head;
    bool found = false;
    char name[8];
    har_cbor_head(&map, &head);
    if (head.major != CBOR_MAP)
        return false;
    cbor_items items = har_cbor_items(&map, &head);
    while (har_cbor_next(&items)) {
        const bool same = har_cbor_text(map, name, sizeof name) && strcmp(name, key) == 0;
        har_cbor_skip(&map);
        if (same) {
            *value = map;
            found = true;
        }
        har_cbor_skip(&map);
    }
    return found;
}
