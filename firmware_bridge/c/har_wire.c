/* The binary IMU frame: the whole codec. In this order: what both ends share, messages to frames, the CBOR that a
 * receiver reads, a message's fields, bytes to frames. Only what har_wire.h declares is seen from outside; with
 * -ffunction-sections and --gc-sections a program that only sends holds nothing of the receiver.
 *
 * Which fault is told where there are several is the contract with firmware_bridge/decode.py. */
#include "har_wire.h"

#include <string.h>

/* ---- What both ends share --------------------------------------------------------------------------------------- */

enum {
    CBOR_UNSIGNED = 0,
    CBOR_NEGATIVE = 1,
    CBOR_BYTES = 2,
    CBOR_TEXT = 3,
    CBOR_ARRAY = 4,
    CBOR_MAP = 5,
    CBOR_TAG = 6,
    CBOR_SIMPLE = 7
};

enum {
    CBOR_ONE_BYTE = 24,
    CBOR_HALF = 25,
    CBOR_FLOAT = 26,
    CBOR_DOUBLE = 27,
    CBOR_INDEFINITE = 31,
    CBOR_FLOAT32_ARRAY = 85,
    CBOR_BREAK = 0xFF,
    CBOR_DEPTH_MAX = 8
};

typedef struct {
    const uint8_t *at;
    const uint8_t *end;
} cbor_reader;

/* An item's first bytes; its argument in two halves, for 64 bits are dear on small machines. */
typedef struct {
    uint8_t major;
    uint8_t info;
    uint32_t high;
    uint32_t low;
} cbor_head;

/* The items of an array or map, counted or up to a break. */
typedef struct {
    cbor_reader *reader;
    bool counted;
    uint32_t left;
} cbor_items;

enum { DELIMITER = 0, COBS_FULL = 0xFF, LENGTH_BYTES = 2, CRC_BYTES = 2 };

static const uint32_t float_nan = 0x7FC00000;
static const uint32_t float_infinity = 0x7F800000;

static const uint16_t reflected_polynomial = 0x8408;

uint16_t har_crc16(uint16_t crc, uint8_t byte)
{
    crc ^= byte;
    for (uint8_t bit = 0; bit < 8; bit++)
        crc = (uint16_t)((crc >> 1) ^ ((crc & 1) ? reflected_polynomial : 0));
    return crc;
}

static uint32_t one_nan(uint32_t bits)
{
    return (bits & 0x7FFFFFFF) > float_infinity ? float_nan : bits;
}

static bool channels_are_lawful(size_t count)
{
    return count >= 1 && count <= HAR_CHANNELS_MAX;
}

/* ---- Messages to frames ----------------------------------------------------------------------------------------- */
/* In one pass and without a second buffer: a first pass counts, for the length stands in front. */

typedef struct {
    uint8_t *out; /* NULL: count the message only */
    size_t room;
    size_t used;
    size_t block; /* where the open COBS block has its code */
    uint8_t code;
    uint16_t crc;
    uint16_t message_length;
} frame_writer;

static void put_raw(frame_writer *writer, uint8_t byte)
{
    if (writer->used < writer->room)
        writer->out[writer->used] = byte;
    writer->used++;
}

static void close_block(frame_writer *writer)
{
    if (writer->block < writer->room)
        writer->out[writer->block] = writer->code;
}

static void open_block(frame_writer *writer)
{
    writer->block = writer->used;
    writer->code = 1;
    put_raw(writer, 0);
}

static void put_stuffed(frame_writer *writer, uint8_t byte)
{
    if (writer->code == COBS_FULL) {
        close_block(writer);
        open_block(writer);
    }
    if (byte != DELIMITER) {
        put_raw(writer, byte);
        writer->code++;
    } else {
        close_block(writer);
        open_block(writer);
    }
}

static void put_stuffed16(frame_writer *writer, uint16_t value)
{
    put_stuffed(writer, value & 0xFF);
    put_stuffed(writer, (uint8_t)(value >> 8));
}

static void put(frame_writer *writer, uint8_t byte)
{
    writer->message_length++;
    if (writer->out == NULL)
        return;
    writer->crc = har_crc16(writer->crc, byte);
    put_stuffed(writer, byte);
}

static void put_big_endian(frame_writer *writer, uint32_t value, uint8_t width)
{
    while (width-- > 0)
        put(writer, (uint8_t)(value >> (8 * width)));
}

static void put_head(frame_writer *writer, uint8_t major, uint32_t value)
{
    const uint8_t top = (uint8_t)(major << 5);
    if (value < CBOR_ONE_BYTE) {
        put(writer, top | (uint8_t)value);
        return;
    }
    const uint8_t size = value <= 0xFF ? 0 : value <= 0xFFFF ? 1 : 2;
    put(writer, top | (uint8_t)(CBOR_ONE_BYTE + size));
    put_big_endian(writer, value, (uint8_t)(1u << size));
}

static void put_text(frame_writer *writer, const char *text)
{
    put_head(writer, CBOR_TEXT, (uint32_t)strlen(text));
    while (*text)
        put(writer, (uint8_t)*text++);
}

static void put_field(frame_writer *writer, const char *key, uint32_t value)
{
    put_text(writer, key);
    put_head(writer, CBOR_UNSIGNED, value);
}

static void put_int32(frame_writer *writer, int32_t value)
{
    if (value < 0)
        put_head(writer, CBOR_NEGATIVE, ~(uint32_t)value);
    else
        put_head(writer, CBOR_UNSIGNED, (uint32_t)value);
}

static void put_float(frame_writer *writer, float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    put(writer, (uint8_t)(CBOR_SIMPLE << 5) | CBOR_FLOAT);
    put_big_endian(writer, one_nan(bits), sizeof bits);
}

static void put_top(frame_writer *writer, const char *type, uint8_t fields)
{
    put_head(writer, CBOR_MAP, 2);
    put_text(writer, "t");
    put_text(writer, type);
    put_text(writer, "d");
    put_head(writer, CBOR_MAP, fields);
}

static void put_session(frame_writer *writer, const har_session *session)
{
    put_top(writer, "si", 7);
    put_field(writer, "sid", session->session_id);
    put_field(writer, "hz", session->rate_hz);
    put_field(writer, "ch", session->channels);
    put_text(writer, "ch_n");
    put_head(writer, CBOR_ARRAY, session->channels);
    for (uint8_t channel = 0; channel < session->channels; channel++)
        put_text(writer, session->channel_names[channel]);
    put_field(writer, "st", session->sensor_type);
    put_field(writer, "dr", session->dropped);
    put_text(writer, "name");
    put_text(writer, session->name);
}

static void put_sample(frame_writer *writer, const har_sample *sample)
{
    put_top(writer, "sd", 3);
    put_field(writer, "seq", sample->sequence);
    put_field(writer, "ts", sample->timestamp_ms);
    put_text(writer, "val");
    put_head(writer, CBOR_ARRAY, sample->channels);
    for (uint8_t channel = 0; channel < sample->channels; channel++) {
        if (sample->micro)
            put_int32(writer, sample->values.micro[channel]);
        else
            put_float(writer, sample->values.real[channel]);
    }
}

static void put_message(frame_writer *writer, const har_session *session, const har_sample *sample)
{
    if (session != NULL)
        put_session(writer, session);
    else
        put_sample(writer, sample);
}

static size_t put_frame(const har_session *session, const har_sample *sample, bool crc, uint8_t *out, size_t room)
{
    frame_writer counter = {NULL, 0, 0, 0, 0, 0, 0};
    frame_writer writer = {out, room, 0, 0, 0, HAR_CRC_INIT, 0};
    put_message(&counter, session, sample);
    open_block(&writer);
    put_stuffed16(&writer, counter.message_length);
    put_message(&writer, session, sample);
    if (crc)
        put_stuffed16(&writer, writer.crc);
    close_block(&writer);
    put_raw(&writer, DELIMITER);
    return writer.used <= room ? writer.used : 0;
}

static bool ends(const char *text, size_t room)
{
    return memchr(text, '\0', room) != NULL;
}

size_t har_encode_session(const har_session *session, bool crc, uint8_t *out, size_t room)
{
    if (!channels_are_lawful(session->channels) || session->rate_hz == 0 || !ends(session->name, HAR_NAME_MAX + 1))
        return 0;
    for (uint8_t channel = 0; channel < session->channels; channel++)
        if (!ends(session->channel_names[channel], HAR_CHANNEL_NAME_MAX + 1))
            return 0;
    return put_frame(session, NULL, crc, out, room);
}

size_t har_encode_sample(const har_sample *sample, bool crc, uint8_t *out, size_t room)
{
    return channels_are_lawful(sample->channels) ? put_frame(NULL, sample, crc, out, room) : 0;
}

/* ---- CBOR (RFC 8949): its items --------------------------------------------------------------------------------- */
/* First is_whole() walks over a message and vouches for its form; only then do the others read in it, and trust it:
 * none of them looks for the end again. */

static size_t left(const cbor_reader *reader)
{
    return (size_t)(reader->end - reader->at);
}

static bool read_head(cbor_reader *reader, cbor_head *head)
{
    const bool any = left(reader) > 0;
    const uint8_t first = any ? *reader->at++ : CBOR_BREAK;
    head->major = first >> 5;
    head->info = first & 0x1F;
    head->high = 0;
    head->low = head->info;
    if (!any)
        return false;
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

static bool is_break(const cbor_reader *reader)
{
    return left(reader) > 0 && *reader->at == CBOR_BREAK;
}

static cbor_items items_of(cbor_reader *reader, const cbor_head *head)
{
    cbor_items items = {reader, head->info != CBOR_INDEFINITE, head->low};
    return items;
}

static bool next_item(cbor_items *items)
{
    if (items->counted)
        return items->left > 0 && items->left-- > 0;
    if (!is_break(items->reader))
        return true;
    items->reader->at++;
    return false;
}

/* The pieces of a string whose head was read: one, or the chunks of an indefinite one. head->low bytes are to be read
 * before the next piece is asked for. */
static cbor_items pieces_of(cbor_reader *reader, const cbor_head *head)
{
    cbor_items pieces = {reader, head->info != CBOR_INDEFINITE, 1};
    return pieces;
}

static bool next_piece(cbor_items *pieces, cbor_head *head)
{
    return next_item(pieces) && (pieces->counted || read_head(pieces->reader, head));
}

/* ---- CBOR: its form, where everything that can be wrong with it is found ---------------------------------------- */

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
    while (!is_break(reader))
        if (!read_head(reader, &chunk) || chunk.major != head->major || !skip_chunk(reader, &chunk))
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
    cbor_items items = items_of(reader, head);
    if (items.counted && items.left == 0 && head->high == 0)
        return true;
    if (depth == 0 || head->high != 0)
        return false;
    while (next_item(&items)) {
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
    if (!read_head(reader, &head))
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

static void skip_item(cbor_reader *reader)
{
    skip(reader, CBOR_DEPTH_MAX);
}

/* True if the reader holds one item of the allowed form (text is UTF-8, keys are strings, the one tag is 85, nothing
 * nests deeper than CBOR_DEPTH_MAX) and no byte more. */
static bool is_whole(cbor_reader reader)
{
    return skip(&reader, CBOR_DEPTH_MAX) && reader.at == reader.end;
}

/* ---- CBOR: its values ------------------------------------------------------------------------------------------- */

static bool is_text(cbor_reader item)
{
    cbor_head head;
    return read_head(&item, &head) && head.major == CBOR_TEXT;
}

/* Copy a text, NUL-terminated. False if the item is no text, holds NUL or does not fit. */
static bool read_text(cbor_reader item, char *out, size_t room)
{
    cbor_head head;
    size_t used = 0;
    read_head(&item, &head);
    if (head.major != CBOR_TEXT)
        return false;
    cbor_items pieces = pieces_of(&item, &head);
    while (next_piece(&pieces, &head)) {
        if (head.low >= room - used || memchr(item.at, 0, (size_t)head.low) != NULL)
            return false;
        memcpy(out + used, item.at, (size_t)head.low);
        used += (size_t)head.low;
        item.at += head.low;
    }
    out[used] = '\0';
    return true;
}

static bool read_unsigned(cbor_reader item, uint32_t highest, uint32_t *value)
{
    cbor_head head;
    read_head(&item, &head);
    *value = head.low;
    return head.major == CBOR_UNSIGNED && head.high == 0 && head.low <= highest;
}

/* Read an integer of int32. False if the item is none. */
static bool read_int32(cbor_reader *reader, int32_t *value)
{
    cbor_head head;
    read_head(reader, &head);
    if (head.major > CBOR_NEGATIVE || head.high != 0 || head.low > INT32_MAX)
        return false;
    *value = head.major == CBOR_UNSIGNED ? (int32_t)head.low : -1 - (int32_t)head.low;
    return true;
}

/* Set the reader on the value of the last such key. False if the item is no map or has no such key. */
static bool find(cbor_reader map, const char *key, cbor_reader *value)
{
    cbor_head head;
    bool found = false;
    char name[8];
    read_head(&map, &head);
    if (head.major != CBOR_MAP)
        return false;
    cbor_items items = items_of(&map, &head);
    while (next_item(&items)) {
        const bool same = read_text(map, name, sizeof name) && strcmp(name, key) == 0;
        skip_item(&map);
        if (same) {
            *value = map;
            found = true;
        }
        skip_item(&map);
    }
    return found;
}

/* ---- CBOR: floats of any width as float32, by their bits, for on AVR a double is no wider than a float ---------- */

static uint32_t from_half(uint32_t half)
{
    const uint32_t sign = (half & 0x8000) << 16;
    uint32_t exponent = (half >> 10) & 0x1F;
    uint32_t fraction = half & 0x3FF;
    if (exponent == 31)
        return fraction ? float_nan : sign | float_infinity;
    if (exponent == 0 && fraction == 0)
        return sign;
    if (exponent == 0) {
        for (exponent = 1; (fraction & 0x400) == 0; exponent--)
            fraction <<= 1;
        fraction &= 0x3FF;
    }
    return sign | ((exponent + 127 - 15) << 23) | (fraction << 13);
}

/* Drop the lowest bits, to the nearest, ties to even. A carry into the exponent is right as it is. */
static uint32_t rounded(uint32_t bits, uint8_t drop, bool lower)
{
    const uint32_t kept = bits >> drop;
    const uint32_t half = (uint32_t)1 << (drop - 1);
    const uint32_t rest = bits & ((half << 1) - 1);
    const bool up = rest > half || (rest == half && (lower || (kept & 1)));
    return kept + up;
}

static uint32_t from_double(uint32_t high, uint32_t low)
{
    const uint32_t sign = high & 0x80000000;
    const int16_t exponent = (int16_t)((high >> 20) & 0x7FF) - 1023 + 127;
    const uint32_t top = ((high & 0xFFFFF) << 11) | (low >> 21); /* the fraction's upper 31 bits */
    const bool lower = (low & 0x1FFFFF) != 0;                    /* what lies below them */
    if (exponent == 0x7FF - 1023 + 127)
        return top || lower ? float_nan : sign | float_infinity;
    if (exponent >= 255)
        return sign | float_infinity;
    if (exponent > 0)
        return sign | (((uint32_t)exponent << 23) + rounded(top, 8, lower));
    if (exponent < -23)
        return sign; /* less than half of the smallest subnormal */
    return sign | rounded((top >> 1) | 0x40000000, (uint8_t)(8 - exponent), lower || (top & 1));
}

/* Read a float of any width as the bits of a float32; every NaN becomes 7FC00000. False if the item is no float. */
static bool read_float(cbor_reader *reader, uint32_t *bits)
{
    cbor_head head;
    read_head(reader, &head);
    if (head.major != CBOR_SIMPLE || head.info < CBOR_HALF)
        return false;
    if (head.info == CBOR_HALF)
        *bits = from_half(head.low);
    else if (head.info == CBOR_DOUBLE)
        *bits = from_double(head.high, head.low);
    else
        *bits = one_nan(head.low);
    return true;
}

/* ---- A message's fields ----------------------------------------------------------------------------------------- */

enum { FLOAT_BYTES = 4 };

static bool field_unsigned(cbor_reader fields, const char *key, uint32_t highest, uint32_t *value)
{
    cbor_reader item;
    return find(fields, key, &item) && read_unsigned(item, highest, value);
}

/* Read all names, for a bad one outweighs one too many; keep those that have room. */
static bool read_names(cbor_reader fields, har_session *session, size_t *count)
{
    cbor_reader list;
    cbor_head head;
    char name[HAR_CHANNEL_NAME_MAX + 1];
    if (!find(fields, "ch_n", &list) || !read_head(&list, &head) || head.major != CBOR_ARRAY)
        return false;
    cbor_items items = items_of(&list, &head);
    for (*count = 0; next_item(&items); ++*count) {
        if (!read_text(list, name, sizeof name))
            return false;
        if (*count < HAR_CHANNELS_MAX)
            memcpy(session->channel_names[*count], name, sizeof name);
        skip_item(&list);
    }
    return true;
}

static har_status read_session(cbor_reader fields, har_session *session)
{
    uint32_t rate_hz;
    uint32_t channels;
    uint32_t sensor_type;
    size_t names = 0;
    cbor_reader name;
    if (!field_unsigned(fields, "sid", UINT32_MAX, &session->session_id) ||
        !field_unsigned(fields, "hz", UINT16_MAX, &rate_hz) || rate_hz == 0 ||
        !read_names(fields, session, &names) ||
        !field_unsigned(fields, "st", UINT8_MAX, &sensor_type) ||
        !field_unsigned(fields, "dr", UINT32_MAX, &session->dropped) ||
        !find(fields, "name", &name) || !read_text(name, session->name, sizeof session->name) ||
        !field_unsigned(fields, "ch", UINT8_MAX, &channels))
        return HAR_BAD_FIELDS;
    session->rate_hz = (uint16_t)rate_hz;
    session->channels = (uint8_t)channels;
    session->sensor_type = (uint8_t)sensor_type;
    return channels_are_lawful(names) && names == channels ? HAR_OK : HAR_WRONG_CHANNELS;
}

static void keep_float(har_sample *sample, size_t at, uint32_t bits)
{
    if (at < HAR_CHANNELS_MAX)
        memcpy(&sample->values.real[at], &bits, sizeof bits);
}

/* RFC 8746: a byte string of little-endian floats, which may come in chunks. */
static bool read_typed_array(cbor_reader item, har_sample *sample, size_t *count)
{
    cbor_head head;
    uint32_t bits = 0;
    size_t bytes = 0;
    read_head(&item, &head);
    if (head.major != CBOR_BYTES)
        return false;
    cbor_items pieces = pieces_of(&item, &head);
    while (next_piece(&pieces, &head)) {
        for (; head.low > 0; head.low--) {
            bits = (bits >> 8) | ((uint32_t)*item.at++ << 24);
            if (++bytes % FLOAT_BYTES == 0)
                keep_float(sample, bytes / FLOAT_BYTES - 1, one_nan(bits));
        }
    }
    *count = bytes / FLOAT_BYTES;
    return bytes % FLOAT_BYTES == 0;
}

/* Read all values, for a bad one outweighs one too many; the first says which kind they all are. */
static bool read_list(cbor_reader list, har_sample *sample, size_t *count)
{
    cbor_head head;
    uint32_t bits = 0;
    int32_t micro = 0;
    read_head(&list, &head);
    if (head.major != CBOR_ARRAY)
        return false;
    cbor_items items = items_of(&list, &head);
    for (*count = 0; next_item(&items); ++*count) {
        if (*count == 0)
            sample->micro = *list.at >> 5 != CBOR_SIMPLE;
        if (sample->micro ? !read_int32(&list, &micro) : !read_float(&list, &bits))
            return false;
        if (!sample->micro)
            keep_float(sample, *count, bits);
        else if (*count < HAR_CHANNELS_MAX)
            sample->values.micro[*count] = micro;
    }
    return true;
}

static bool read_values(cbor_reader fields, har_sample *sample, size_t *count)
{
    cbor_reader item;
    cbor_head head;
    sample->micro = false;
    if (!find(fields, "val", &item))
        return false;
    cbor_reader inner = item;
    read_head(&inner, &head);
    return head.major == CBOR_TAG ? read_typed_array(inner, sample, count) : read_list(item, sample, count);
}

static har_status read_sample(cbor_reader fields, har_sample *sample, uint8_t expected)
{
    size_t count = 0;
    if (!field_unsigned(fields, "seq", UINT32_MAX, &sample->sequence) ||
        !field_unsigned(fields, "ts", UINT32_MAX, &sample->timestamp_ms) || !read_values(fields, sample, &count))
        return HAR_BAD_FIELDS;
    if (!channels_are_lawful(count) || (expected != 0 && expected != count))
        return HAR_WRONG_CHANNELS;
    sample->channels = (uint8_t)count;
    return HAR_OK;
}

static har_status read_type(cbor_reader message, har_kind *kind)
{
    cbor_reader type;
    char name[3];
    if (!find(message, "t", &type) || !is_text(type))
        return HAR_BAD_FIELDS;
    if (!read_text(type, name, sizeof name) || (strcmp(name, "si") != 0 && strcmp(name, "sd") != 0))
        return HAR_UNKNOWN_TYPE;
    *kind = strcmp(name, "sd") == 0 ? HAR_SAMPLE : HAR_SESSION;
    return HAR_OK;
}

static bool find_payload(cbor_reader message, cbor_reader *fields)
{
    cbor_head head;
    if (!find(message, "d", fields))
        return false;
    cbor_reader inner = *fields;
    return read_head(&inner, &head) && head.major == CBOR_MAP;
}

/* Fill frame->kind and what it holds. channels: of the last session info, 0 before the first; a good one sets it. */
static har_status read_message(cbor_reader message, har_frame *frame, uint8_t *channels)
{
    cbor_reader fields;
    if (!is_whole(message))
        return HAR_BAD_CBOR;
    har_status status = read_type(message, &frame->kind);
    if (status != HAR_OK)
        return status;
    if (!find_payload(message, &fields))
        return HAR_BAD_FIELDS;
    if (frame->kind == HAR_SAMPLE)
        return read_sample(fields, &frame->of.sample, *channels);
    status = read_session(fields, &frame->of.session);
    if (status == HAR_OK)
        *channels = frame->of.session.channels;
    return status;
}

/* ---- Bytes to frames -------------------------------------------------------------------------------------------- */

/* Unstuff in place: what is written never overtakes what is read. */
static bool unstuff(uint8_t *data, size_t length, size_t *unstuffed)
{
    size_t from = 0;
    size_t to = 0;
    while (from < length) {
        const uint8_t code = data[from++];
        if (code - 1u > length - from)
            return false;
        for (uint8_t byte = 1; byte < code; byte++)
            data[to++] = data[from++];
        if (code != COBS_FULL && from < length)
            data[to++] = DELIMITER;
    }
    *unstuffed = to;
    return true;
}

static uint16_t little_endian16(const uint8_t *at)
{
    return (uint16_t)(at[0] | ((uint16_t)at[1] << 8));
}

static har_status take_message(uint8_t *data, size_t length, cbor_reader *message)
{
    size_t raw;
    uint16_t crc = HAR_CRC_INIT;
    if (!unstuff(data, length, &raw))
        return HAR_BAD_COBS;
    if (raw < LENGTH_BYTES)
        return HAR_BAD_LENGTH;
    const uint16_t size = little_endian16(data);
    const bool checked = raw - LENGTH_BYTES == (uint32_t)size + CRC_BYTES;
    if (!checked && raw - LENGTH_BYTES != size)
        return HAR_BAD_LENGTH;
    message->at = data + LENGTH_BYTES;
    message->end = message->at + size;
    for (const uint8_t *at = message->at; at < message->end; at++)
        crc = har_crc16(crc, *at);
    return checked && crc != little_endian16(message->end) ? HAR_BAD_CRC : HAR_OK;
}

static void finish(har_decoder *decoder, har_frame *frame)
{
    cbor_reader message = {NULL, NULL};
    frame->length = decoder->length;
    frame->status = HAR_OVERSIZE;
    if (decoder->length <= decoder->room)
        frame->status = take_message(decoder->buffer, (size_t)decoder->length, &message);
    if (frame->status == HAR_OK)
        frame->status = read_message(message, frame, &decoder->channels);
    if (frame->status != HAR_OK)
        frame->kind = HAR_CORRUPT;
    decoder->length = 0;
}

void har_decoder_begin(har_decoder *decoder, uint8_t *buffer, size_t room)
{
    decoder->buffer = buffer;
    decoder->room = room;
    decoder->length = 0;
    decoder->channels = 0;
}

size_t har_decode(har_decoder *decoder, const uint8_t *data, size_t length, har_frame *frame)
{
    frame->kind = HAR_NOTHING;
    for (size_t taken = 0; taken < length; taken++) {
        if (data[taken] != DELIMITER) {
            if (decoder->length < decoder->room)
                decoder->buffer[decoder->length] = data[taken];
            if (decoder->length < UINT32_MAX)
                decoder->length++;
        } else if (decoder->length > 0) {
            finish(decoder, frame);
            return taken + 1;
        }
    }
    return length;
}
