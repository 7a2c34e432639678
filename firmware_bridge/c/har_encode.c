/* Messages to frames, in one pass and without a second buffer: a first pass counts, for the length stands in front. */
#include "har_cbor.h"
#include "har_wire.h"

#include <string.h>

enum { COBS_FULL = 0xFF, DELIMITER = 0 };

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
    put_big_endian(writer, har_cbor_one_nan(bits), sizeof bits);
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

static bool channels_are_lawful(uint8_t channels)
{
    return channels >= 1 && channels <= HAR_CHANNELS_MAX;
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
