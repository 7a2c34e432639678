/* A message's fields. Which fault is told where there are several is the contract with firmware_bridge/decode.py. */
#include "har_message.h"

#include <string.h>

enum { FLOAT_BYTES = 4 };

static bool field_unsigned(cbor_reader fields, const char *key, uint32_t highest, uint32_t *value)
{
    cbor_reader item;
    return har_cbor_find(fields, key, &item) && har_cbor_unsigned(item, highest, value);
}

/* Read all names, for a bad one outweighs one too many; keep those that have room. */
static bool read_names(cbor_reader fields, har_session *session, size_t *count)
{
    cbor_reader list;
    cbor_head head;
    char name[HAR_CHANNEL_NAME_MAX + 1];
    if (!har_cbor_find(fields, "ch_n", &list) || !har_cbor_head(&list, &head) || head.major != CBOR_ARRAY)
        return false;
    cbor_items items = har_cbor_items(&list, &head);
    for (*count = 0; har_cbor_next(&items); ++*count) {
        if (!har_cbor_text(list, name, sizeof name))
            return false;
        if (*count < HAR_CHANNELS_MAX)
            memcpy(session->channel_names[*count], name, sizeof name);
        har_cbor_skip(&list);
    }
    return true;
}

static bool channels_are_lawful(size_t count)
{
    return count >= 1 && count <= HAR_CHANNELS_MAX;
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
        !har_cbor_find(fields, "name", &name) || !har_cbor_text(name, session->name, sizeof session->name) ||
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
    har_cbor_head(&item, &head);
    if (head.major != CBOR_BYTES)
        return false;
    cbor_items pieces = har_cbor_pieces(&item, &head);
    while (har_cbor_next_piece(&pieces, &head)) {
        for (; head.low > 0; head.low--) {
            bits = (bits >> 8) | ((uint32_t)*item.at++ << 24);
            if (++bytes % FLOAT_BYTES == 0)
                keep_float(sample, bytes / FLOAT_BYTES - 1, har_cbor_one_nan(bits));
        }
    }
    *count = bytes / FLOAT_BYTES;
    return bytes % FLOAT_BYTES == 0;
}

/* Read all values, for a bad one outweighs one too many; the first says which kind they all are. */
static bool read_list(cbor_reader list, har_sample *sample, size_t *count)
{
    cbor_head head;
    uint32_t bits;
    int32_t micro;
    har_cbor_head(&list, &head);
    if (head.major != CBOR_ARRAY)
        return false;
    cbor_items items = har_cbor_items(&list, &head);
    for (*count = 0; har_cbor_next(&items); ++*count) {
        if (*count == 0)
            sample->micro = *list.at >> 5 != CBOR_SIMPLE;
        if (sample->micro ? !har_cbor_int32(&list, &micro) : !har_cbor_float(&list, &bits))
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
    if (!har_cbor_find(fields, "val", &item))
        return false;
    cbor_reader inner = item;
    har_cbor_head(&inner, &head);
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
    if (!har_cbor_find(message, "t", &type) || !har_cbor_is_text(type))
        return HAR_BAD_FIELDS;
    if (!har_cbor_text(type, name, sizeof name) || (strcmp(name, "si") != 0 && strcmp(name, "sd") != 0))
        return HAR_UNKNOWN_TYPE;
    *kind = strcmp(name, "sd") == 0 ? HAR_SAMPLE : HAR_SESSION;
    return HAR_OK;
}

static bool find_payload(cbor_reader message, cbor_reader *fields)
{
    cbor_head head;
    if (!har_cbor_find(message, "d", fields))
        return false;
    cbor_reader inner = *fields;
    return har_cbor_head(&inner, &head) && head.major == CBOR_MAP;
}

har_status har_read_message(cbor_reader message, har_frame *frame, uint8_t *channels)
{
    cbor_reader fields;
    if (!har_cbor_whole(message))
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
