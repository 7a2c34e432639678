/* An MPU6050 on I2C, fifty samples a second, as frames on the serial port at 115200 baud.
 * Wiring (Uno): VCC to 5V, GND, SDA to A4, SCL to A5; A0 stays open, its noise tells one boot from another.
 * Needs the library har_wire, which is ../../c: see ../README.md. */
#include <Wire.h>
#include <har_sender.h>

const uint32_t BAUD = 115200;
const uint16_t RATE_HZ = 50;
const uint8_t SENSOR_TYPE = 1; /* MPU6050 */
const uint32_t RETRY_MS = 1000;

const uint8_t ADDRESS = 0x68;
const uint8_t SMPLRT_DIV = 0x19;
const uint8_t CONFIG = 0x1A;
const uint8_t GYRO_CONFIG = 0x1B;
const uint8_t ACCEL_CONFIG = 0x1C;
const uint8_t ACCEL_XOUT_H = 0x3B;
const uint8_t PWR_MGMT_1 = 0x6B;
const uint8_t WHO_AM_I = 0x75;

const uint8_t WHO_IS_MPU6050 = 0x68;
const uint8_t RESET = 0x80;
const uint8_t CLOCK_OF_GYRO = 0x01; /* steadier than the chip's own oscillator, and awake */
const uint8_t DIVIDE_BY_FIVE = 4;   /* 1 kHz to 200 Hz: what is read is never older than 5 ms */
const uint8_t LOW_PASS_20_HZ = 4;   /* below half of 50 Hz, where people's motion ends */
const uint8_t PLUS_MINUS_1000_DPS = 2 << 3;
const uint8_t PLUS_MINUS_8_G = 2 << 3; /* a step's shock goes beyond 2 g */
const uint8_t RESET_MS = 100;

const float MS2_PER_COUNT = 9.80665 / 4096;
const float RADS_PER_COUNT = 0.017453292519943295 / 32.8;
const uint8_t BURST_BYTES = 14; /* acceleration, temperature, angular rate */

HarSender sender(Serial, "MPU6050", RATE_HZ, SENSOR_TYPE);
HarSchedule schedule(1000000 / RATE_HZ);

void writeRegister(uint8_t at, uint8_t value)
{
    Wire.beginTransmission(ADDRESS);
    Wire.write(at);
    Wire.write(value);
    Wire.endTransmission();
}

/* Ask for bytes from a register on; Wire.read() then gives them. */
bool request(uint8_t at, uint8_t bytes)
{
    Wire.beginTransmission(ADDRESS);
    Wire.write(at);
    return Wire.endTransmission(false) == 0 && Wire.requestFrom(ADDRESS, bytes) == bytes;
}

int16_t readCount()
{
    const uint8_t high = Wire.read();
    return (int16_t)((uint16_t)high << 8 | (uint8_t)Wire.read());
}

void configure()
{
    writeRegister(PWR_MGMT_1, RESET);
    delay(RESET_MS);
    writeRegister(PWR_MGMT_1, CLOCK_OF_GYRO);
    writeRegister(SMPLRT_DIV, DIVIDE_BY_FIVE);
    writeRegister(CONFIG, LOW_PASS_20_HZ);
    writeRegister(GYRO_CONFIG, PLUS_MINUS_1000_DPS);
    writeRegister(ACCEL_CONFIG, PLUS_MINUS_8_G);
}

/* Wait for the sensor, and say once a second that it is not there; what is due meanwhile is dropped. */
void findSensor()
{
    for (;;) {
        const uint8_t who = request(WHO_AM_I, 1) ? Wire.read() : 0;
        if (who == WHO_IS_MPU6050)
            break;
        sender.error(F("no MPU6050 at I2C address 0x68; WHO_AM_I is 0x"), who);
        delay(RETRY_MS);
        sender.drop(schedule.due());
    }
    configure();
}

bool readSample(float values[HarSender::channels])
{
    if (!request(ACCEL_XOUT_H, BURST_BYTES))
        return false;
    for (uint8_t axis = 0; axis < 3; axis++)
        values[axis] = readCount() * MS2_PER_COUNT;
    readCount();
    for (uint8_t axis = 3; axis < 6; axis++)
        values[axis] = readCount() * RADS_PER_COUNT;
    return true;
}

void setup()
{
    Serial.begin(BAUD);
    Wire.begin();
    Wire.setClock(400000);
#ifdef WIRE_HAS_TIMEOUT
    Wire.setWireTimeout(3000, true); /* a cable pulled out amid a byte must not stop the sketch for good */
#endif
    findSensor();
    sender.begin();
    schedule.begin();
}

void loop()
{
    float values[HarSender::channels];
    const uint32_t periods = schedule.due();
    if (periods == 0)
        return;
    sender.drop(periods - 1);
    if (readSample(values)) {
        sender.send(values);
    } else {
        sender.drop(1);
        findSensor();
    }
}
