/* What the frame needs of CBOR (RFC 8949); private to this folder.
 *
 * First har_cbor_whole() walks over a message and vouches for its form; only then do the others read in it, and trust
 * it: none of them looks for the end again. */
#ifndef HAR_CBOR_H
#define HAR_CBOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

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

/* True if the reader holds one item of the allowed form (text is UTF-8, keys are strings, the one tag is 85, nothing
 * nests deeper than CBOR_DEPTH_MAX) and no byte more. */
bool har_cbor_whole(cbor_reader reader);

bool har_cbor_head(cbor_reader *reader, cbor_head *head);
void har_cbor_skip(cbor_reader *reader);
bool har_cbor_is_break(const cbor_reader *reader);
cbor_items har_cbor_items(cbor_reader *reader, const cbor_head *head);
bool har_cbor_next(cbor_items *items);

/* The pieces of a string whose head was read: one, or the chunks of an indefinite one. head->low bytes are to be read
 * before the next piece is asked for. */
cbor_items har_cbor_pieces(cbor_reader *reader, const cbor_head *head);
bool har_cbor_next_piece(cbor_items *pieces, cbor_head *head);

/* Set the reader on the value of the last such key. False if the item is no map or has no such key. */
bool har_cbor_find(cbor_reader map, const char *key, cbor_reader *value);

bool har_cbor_is_text(cbor_reader item);
/* Copy a text, NUL-terminated. False if the item is no text, holds NUL or does not fit. */
bool har_cbor_text(cbor_reader item, char *out, size_t room);
bool har_cbor_unsigned(cbor_reader item, uint32_t highest, uint32_t *value);
/* Read a float of any width as the bits of a float32; every NaN becomes 7FC00000. False if the item is no float. */
bool har_cbor_float(cbor_reader *reader, uint32_t *bits);
uint32_t har_cbor_one_nan(uint32_t bits);
/* Read an integer of int32. False if the item is none. */
bool har_cbor_int32(cbor_reader *reader, int32_t *value);

#endif
