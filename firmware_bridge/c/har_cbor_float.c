/* Floats of any width as float32, by their bits: on AVR a double is no wider than a float. */
#include "har_cbor.h"

static const uint32_t float_nan = 0x7FC00000;
static const uint32_t float_infinity = 0x7F800000;

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

uint32_t har_cbor_one_nan(uint32_t bits)
{
    return (bits & 0x7FFFFFFF) > float_infinity ? float_nan : bits;
}

bool har_cbor_float(cbor_reader *reader, uint32_t *bits)
{
    cbor_head head;
    har_cbor_head(reader, &head);
    if (head.major != CBOR_SIMPLE || head.info < CBOR_HALF)
        return false;
    if (head.info == CBOR_HALF)
        *bits = from_half(head.low);
    else if (head.info == CBOR_DOUBLE)
        *bits = from_double(head.high, head.low);
    else
        *bits = har_cbor_one_nan(head.low);
    return true;
}
