/* Bytes to frames. The order of the checks is the contract with firmware_bridge/decode.py. */
#include "har_message.h"
#include "har_wire.h"

enum { DELIMITER = 0, COBS_FULL = 0xFF, LENGTH_BYTES = 2, CRC_BYTES = 2 };

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
    cbor_reader message;
    frame->length = decoder->length;
    frame->status = HAR_OVERSIZE;
    if (decoder->length <= decoder->room)
        frame->status = take_message(decoder->buffer, (size_t)decoder->length, &message);
    if (frame->status == HAR_OK)
        frame->status = har_read_message(message, frame, &decoder->channels);
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
