#include "mpu6050.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <avr_twi.h>

enum {
    ADDRESS = 0x68,
    ACCEL_XOUT_H = 0x3B,
    GYRO_XOUT_H = 0x43,
    PWR_MGMT_1 = 0x6B,
    WHO_AM_I = 0x75,
    RESET = 0x80,
    ASLEEP = 0x40,
    READ = 1
};

static void reset(mpu6050 *chip)
{
    memset(chip->registers, 0, sizeof chip->registers);
    chip->registers[PWR_MGMT_1] = ASLEEP;
    chip->registers[WHO_AM_I] = ADDRESS;
}

static void put_count(uint8_t *at, int16_t count)
{
    at[0] = (uint8_t)((uint16_t)count >> 8);
    at[1] = (uint8_t)count;
}

static void play(mpu6050 *chip)
{
    if (chip->played == chip->count) {
        chip->finished = true;
        return;
    }
    const int16_t *row = chip->samples + MPU6050_AXES * chip->played++;
    for (int axis = 0; axis < 3; axis++) {
        put_count(chip->registers + ACCEL_XOUT_H + 2 * axis, row[axis]);
        put_count(chip->registers + GYRO_XOUT_H + 2 * axis, row[3 + axis]);
    }
}

static void answer(mpu6050 *chip, uint8_t condition, uint8_t data)
{
    avr_raise_irq(chip->irq + TWI_IRQ_INPUT, avr_twi_irq_msg(condition, ADDRESS << 1, data));
}

static void on_start(mpu6050 *chip, uint8_t address)
{
    const bool here = chip->avr->cycle < chip->absent || chip->avr->cycle >= chip->present;
    chip->selected = here && address >> 1 == ADDRESS;
    chip->pointer_is_next = true;
    if (!chip->selected)
        return;
    if ((address & READ) && chip->pointer == ACCEL_XOUT_H)
        play(chip);
    answer(chip, TWI_COND_ACK, 1);
}

static void on_write(mpu6050 *chip, uint8_t data)
{
    if (chip->pointer_is_next) {
        chip->pointer = data % MPU6050_REGISTERS;
        chip->pointer_is_next = false;
    } else if (chip->pointer == PWR_MGMT_1 && (data & RESET)) {
        reset(chip);
    } else {
        chip->registers[chip->pointer] = data;
        chip->pointer = (chip->pointer + 1) % MPU6050_REGISTERS;
    }
    answer(chip, TWI_COND_ACK, 1);
}

static void on_read(mpu6050 *chip)
{
    answer(chip, TWI_COND_READ, chip->registers[chip->pointer]);
    chip->pointer = (chip->pointer + 1) % MPU6050_REGISTERS;
}

static void on_bus(avr_irq_t *irq, uint32_t value, void *param)
{
    mpu6050 *chip = param;
    const avr_twi_msg_irq_t message = {.u.v = value};
    (void)irq;
    if (message.u.twi.msg & TWI_COND_STOP)
        chip->selected = false;
    if (message.u.twi.msg & TWI_COND_START)
        on_start(chip, (uint8_t)message.u.twi.addr);
    if (chip->selected && (message.u.twi.msg & TWI_COND_WRITE))
        on_write(chip, (uint8_t)message.u.twi.data);
    if (chip->selected && (message.u.twi.msg & TWI_COND_READ))
        on_read(chip);
}

int16_t *mpu6050_read_recording(const char *path, size_t *rows)
{
    const size_t row_bytes = MPU6050_AXES * sizeof(int16_t);
    int16_t *samples = NULL;
    FILE *file = fopen(path, "rb");
    if (file == NULL)
        return NULL;
    if (fseek(file, 0, SEEK_END) == 0) {
        *rows = (size_t)ftell(file) / row_bytes;
        samples = malloc(*rows * row_bytes + 1);
        rewind(file);
    }
    if (samples != NULL && fread(samples, row_bytes, *rows, file) != *rows) {
        free(samples);
        samples = NULL;
    }
    fclose(file);
    return samples;
}

void mpu6050_attach(mpu6050 *chip, avr_t *avr, const int16_t *samples, size_t count)
{
    static const char *names[TWI_IRQ_COUNT] = {"8>mpu6050.out", "32<mpu6050.in", "8>mpu6050.status"};
    *chip = (mpu6050){.avr = avr, .samples = samples, .count = count};
    reset(chip);
    chip->irq = avr_alloc_irq(&avr->irq_pool, 0, TWI_IRQ_COUNT, names);
    avr_irq_register_notify(chip->irq + TWI_IRQ_OUTPUT, on_bus, chip);
    avr_connect_irq(chip->irq + TWI_IRQ_INPUT, avr_io_getirq(avr, AVR_IOCTL_TWI_GETIRQ(0), TWI_IRQ_INPUT));
    avr_connect_irq(avr_io_getirq(avr, AVR_IOCTL_TWI_GETIRQ(0), TWI_IRQ_OUTPUT), chip->irq + TWI_IRQ_OUTPUT);
}
