#include "har_wire.h"

static const uint16_t reflected_polynomial = 0x8408;

uint16_t har_crc16(uint16_t crc, uint8_t byte)
{
    crc ^= byte;
    for (uint8_t bit = 0; bit < 8; bit++)
        crc = (uint16_t)((crc >> 1) ^ ((crc & 1) ? reflected_polynomial : 0));
    return crc;
}
