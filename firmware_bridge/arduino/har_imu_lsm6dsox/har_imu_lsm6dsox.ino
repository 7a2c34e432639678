/* An LSM6DSOX on I2C, 104 samples a second by the chip's own clock (it has no 50 Hz), as frames on the serial port at
 * 115200 baud. Wiring: VIN, GND, SDA, SCL, SA0 to GND; A0 stays open, its noise tells one boot from another.
 * Needs the library har_wire, which is ../../c: see ../README.md. */
#include <Wire.h>
#include <har_sender.h>

const uint32_t BAUD = 115200;
const uint16_t RATE_HZ = 104;
const uint8_t SENSOR_TYPE = 2; /* LSM6DSOX */
const uint32_t RETRY_MS = 1000;

const uint8_t ADDRESS = 0x6A;
const uint8_t WHO_AM_I = 0x0F;
const uint8_t CTRL1_XL = 0x10;
const uint8_t CTRL2_G = 0x11;
const uint8_t CTRL3_C = 0x12;
const uint8_t STATUS_REG = 0x1E;
const uint8_t OUTX_L_G = 0x22;

const uint8_t WHO_IS_LSM6DSOX = 0x6C;
const uint8_t RESET = 0x01;
const uint8_t WHOLE_SAMPLES_IN_BURSTS = 0x44; /* block data update, address counts up */
const uint8_t AT_104_HZ_8_G = 0x4C;           /* a step's shock goes beyond 2 g */
const uint8_t AT_104_HZ_1000_DPS = 0x48;
const uint8_t BOTH_READY = 0x03;
const uint8_t RESET_MS = 10;

const float MS2_PER_COUNT = 0.000244 * 9.80665;
const float RADS_PER_COUNT = 0.035 * 0.017453292519943295;
const uint8_t BURST_BYTES = 12; /* angular rate, acceleration */

HarSender sender(Serial, "LSM6DSOX", RATE_HZ, SENSOR_TYPE);
uint32_t lastSample_ms;

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
    const uint8_t low = Wire.read();
    return (int16_t)(low | (uint16_t)Wire.read() << 8);
}

void configure()
{
    writeRegister(CTRL3_C, RESET);
    delay(RESET_MS);
    writeRegister(CTRL3_C, WHOLE_SAMPLES_IN_BURSTS);
    writeRegister(CTRL1_XL, AT_104_HZ_8_G);
    writeRegister(CTRL2_G, AT_104_HZ_1000_DPS);
}

/* Wait for the sensor, and say once a second that it is not there. */
void findSensor()
{
    for (;;) {
        const uint8_t who = request(WHO_AM_I, 1) ? Wire.read() : 0;
        if (who == WHO_IS_LSM6DSOX)
            break;
        sender.error(F("no LSM6DSOX at I2C address 0x6A; WHO_AM_I is 0x"), who);
        delay(RETRY_MS);
    }
    configure();
}

bool readSample(float values[HarSender::channels])
{
    if (!request(OUTX_L_G, BURST_BYTES))
        return false;
    for (uint8_t axis = 3; axis < 6; axis++)
        values[axis] = readCount() * RADS_PER_COUNT;
    for (uint8_t axis = 0; axis < 3; axis++)
        values[axis] = readCount() * MS2_PER_COUNT;
    return true;
}

/* The chip keeps one sample; what it has overwritten shows by the time that has passed. */
void countMissed()
{
    const uint32_t now_ms = millis();
    const uint32_t periods = ((now_ms - lastSample_ms) * RATE_HZ + 500) / 1000;
    if (periods > 1)
        sender.drop(periods - 1);
    lastSample_ms = now_ms;
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
    lastSample_ms = millis();
}

void loop()
{
    float values[HarSender::channels];
    if (!request(STATUS_REG, 1)) {
        findSensor();
        return;
    }
    if ((Wire.read() & BOTH_READY) != BOTH_READY)
        return;
    if (!readSample(values)) {
        findSensor();
        return;
    }
    countMissed();
    sender.send(values);
}
