/* The binary IMU frame in C99: both ends, without malloc. ../WIRE_FORMAT.md says what is on the wire.
 *
 * The decoder gives, for any bytes, what firmware_bridge/decode.py gives for them: the same values or the same status.
 */
#ifndef HAR_WIRE_H
#define HAR_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum {
    HAR_FRAME_MAX = 512,     /* bytes of the longest frame without its delimiter; room for a decoder of all frames */
    HAR_SAMPLE_ROOM = 128,   /* bytes that hold any frame of har_encode_sample, its delimiter included */
    HAR_SESSION_ROOM = 224,  /* bytes that hold any frame of har_encode_session, its delimiter included */
    HAR_CHANNELS_MAX = 16,
    HAR_CHANNEL_NAME_MAX = 5, /* bytes of UTF-8 */
    HAR_NAME_MAX = 31         /* bytes of UTF-8 */
};

/* Why a frame is corrupt; numbers and names are those of Status in firmware_bridge/protocol.py. */
typedef enum {
    HAR_OK = 0,
    HAR_OVERSIZE = 1,
    HAR_BAD_COBS = 2,
    HAR_BAD_LENGTH = 3,
    HAR_BAD_CRC = 4,
    HAR_BAD_CBOR = 5,
    HAR_UNKNOWN_TYPE = 6,
    HAR_BAD_FIELDS = 7,
    HAR_WRONG_CHANNELS = 8
} har_status;

/* Who is sending. Texts end with NUL. */
typedef struct {
    uint32_t session_id; /* random at boot: a new one means that the device rebooted */
    uint16_t rate_hz;    /* 1 to 65535 */
    uint8_t channels;    /* 1 to HAR_CHANNELS_MAX */
    uint8_t sensor_type;
    uint32_t dropped;    /* samples that the device has failed to send since it booted */
    char channel_names[HAR_CHANNELS_MAX][HAR_CHANNEL_NAME_MAX + 1];
    char name[HAR_NAME_MAX + 1];
} har_session;

/* One reading of all channels. */
typedef struct {
    uint32_t sequence;     /* counts the samples sent, and wraps */
    uint32_t timestamp_ms; /* since the session began, and wraps */
    uint8_t channels;
    bool micro;            /* the values are in .micro, millionths of the unit; else in .real */
    union {
        float real[HAR_CHANNELS_MAX];
        int32_t micro[HAR_CHANNELS_MAX];
    } values;
} har_sample;

typedef enum { HAR_NOTHING = 0, HAR_SESSION = 1, HAR_SAMPLE = 2, HAR_CORRUPT = 3 } har_kind;

typedef struct {
    har_kind kind;
    har_status status; /* HAR_OK unless corrupt */
    uint32_t length;   /* bytes of the frame on the wire, without its delimiter */
    union {
        har_session session;
        har_sample sample;
    } of;
} har_frame;

/* A receiver's state; the caller owns the buffer. */
typedef struct {
    uint8_t *buffer;
    size_t room;
    uint32_t length;
    uint8_t channels; /* of the last session info, 0 before the first */
} har_decoder;

/* Write the frame with its delimiter into out. Gives its bytes, or 0 where a field is out of its range or room is too
 * small. Texts must be UTF-8. NaN goes out as the one NaN 7FC00000. */
size_t har_encode_session(const har_session *session, bool crc, uint8_t *out, size_t room);
size_t har_encode_sample(const har_sample *sample, bool crc, uint8_t *out, size_t room);

/* A frame longer than room comes as HAR_OVERSIZE. */
void har_decoder_begin(har_decoder *decoder, uint8_t *buffer, size_t room);

/* Take bytes up to the end of the first frame among them and give how many were taken: call again with the rest.
 * frame->kind is HAR_NOTHING where the bytes ended first. One byte a call will do. */
size_t har_decode(har_decoder *decoder, const uint8_t *data, size_t length, har_frame *frame);

/* CRC-16/MCRF4XX of one more byte; begins with HAR_CRC_INIT. */
#define HAR_CRC_INIT UINT16_C(0xFFFF)
uint16_t har_crc16(uint16_t crc, uint8_t byte);

#ifdef __cplusplus
}
#endif

#endif
