/* On an ATmega328P: decode the streams of streams.h, and answer on the UART: a good frame is encoded again, of a corrupt
 * one the status is told, a byte and a delimiter. The test puts streams.h beside it. */
#include <avr/io.h>
#include <avr/pgmspace.h>

#include "har_wire.h"
#include "streams.h"

static uint8_t buffer[HAR_FRAME_MAX];
static uint8_t out[HAR_SESSION_ROOM];
static har_frame frame;

static void send(const uint8_t *bytes, size_t length)
{
    while (length-- > 0) {
        while (!(UCSR0A & _BV(UDRE0)))
            ;
        UDR0 = *bytes++;
    }
}

static void answer(void)
{
    if (frame.kind == HAR_SESSION)
        send(out, har_encode_session(&frame.of.session, true, out, sizeof out));
    if (frame.kind == HAR_SAMPLE)
        send(out, har_encode_sample(&frame.of.sample, true, out, sizeof out));
    if (frame.kind == HAR_CORRUPT) {
        const uint8_t told[] = {frame.status, 0};
        send(told, sizeof told);
    }
}

int main(void)
{
    har_decoder decoder;
    uint16_t at = 0;
    UCSR0A = _BV(U2X0);
    UBRR0 = 16; /* 115200 baud at 16 MHz */
    UCSR0B = _BV(TXEN0);
    for (uint8_t stream = 0; stream < STREAMS; stream++) {
        har_decoder_begin(&decoder, buffer, sizeof buffer);
        for (uint16_t left = pgm_read_word(&lengths[stream]); left > 0; left--) {
            const uint8_t byte = pgm_read_byte(&bytes[at++]);
            har_decode(&decoder, &byte, 1, &frame);
            answer();
        }
    }
    for (;;)
        ;
}
