/* An MPU6050 on a simulated AVR's I2C bus that plays a recording. */
#ifndef MPU6050_H
#define MPU6050_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sim_avr.h>

enum { MPU6050_AXES = 6, MPU6050_REGISTERS = 128 };

typedef struct {
    avr_t *avr;
    avr_irq_t *irq;
    const int16_t *samples; /* rows of ax ay az gx gy gz, in counts */
    size_t count;
    size_t played;
    bool finished;             /* a sample was asked for when none was left */
    avr_cycle_count_t absent;  /* from this cycle on nobody answers, */
    avr_cycle_count_t present; /* until this one */
    uint8_t registers[MPU6050_REGISTERS];
    uint8_t pointer;
    bool selected;
    bool pointer_is_next; /* the first byte written after the address is a register's number */
} mpu6050;

/* Read rows of six int16 of this machine's byte order, to be kept as long as the chip. NULL, with errno, if that fails. */
int16_t *mpu6050_read_recording(const char *path, size_t *rows);

/* Every read that begins at ACCEL_XOUT_H gives the next sample; awake or asleep makes no difference. */
void mpu6050_attach(mpu6050 *chip, avr_t *avr, const int16_t *samples, size_t count);

#endif
