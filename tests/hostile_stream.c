/* Decodes what comes on standard input, under the sanitizers: whole and byte by byte, in buffers without a byte to
 * spare, and encodes again what it has read. Prints how many frames were good and how many corrupt. */
#include "har_wire.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static unsigned good, corrupt;

static void encode_again(const har_frame *frame, size_t room)
{
    uint8_t *out = malloc(room);
    if (frame->kind == HAR_SESSION)
        har_encode_session(&frame->of.session, true, out, room);
    if (frame->kind == HAR_SAMPLE)
        har_encode_sample(&frame->of.sample, false, out, room);
    free(out);
}

static void decode(const uint8_t *data, size_t length, size_t chunk, size_t room)
{
    uint8_t *buffer = malloc(room);
    har_decoder decoder;
    har_frame frame;
    har_decoder_begin(&decoder, buffer, room);
    for (size_t at = 0; at < length;) {
        at += har_decode(&decoder, data + at, length - at < chunk ? length - at : chunk, &frame);
        good += frame.kind == HAR_SESSION || frame.kind == HAR_SAMPLE;
        corrupt += frame.kind == HAR_CORRUPT;
        for (size_t out = 0; out < 80; out += 13)
            encode_again(&frame, out);
    }
    free(buffer);
}

int main(void)
{
    static uint8_t input[1 << 22];
    const size_t length = fread(input, 1, sizeof input, stdin);
    uint8_t *exact = malloc(length);
    memcpy(exact, input, length);
    decode(exact, length, length, HAR_FRAME_MAX);
    decode(exact, length, 1, HAR_FRAME_MAX);
    decode(exact, length, length, 40);
    free(exact);
    printf("%u %u\n", good, corrupt);
    return 0;
}
