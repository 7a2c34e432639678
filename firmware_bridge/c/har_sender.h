/* What a sketch needs besides its sensor: when the next sample is due, and the session and samples on a serial port.
 * For Arduino alone (C++); everything else in this folder is plain C. */
#ifndef HAR_SENDER_H
#define HAR_SENDER_H

#include <Arduino.h>

#include "har_wire.h"

/* Says when samples are due, at an even rate that no delay shifts: what is late does not make the next one later. */
class HarSchedule {
  public:
    explicit HarSchedule(uint32_t period_us) : period_us_(period_us), next_us_(0), begun_(false) {}

    void begin()
    {
        next_us_ = micros();
        begun_ = true;
    }

    /* How many samples have become due since the last call: 0 is not yet, and all above 1 were missed. To be asked at
     * least every half hour, for micros() comes round in 71 minutes. */
    uint32_t due()
    {
        const uint32_t late_us = micros() - next_us_;
        if (!begun_ || (late_us & 0x80000000))
            return 0;
        const uint32_t periods = late_us / period_us_ + 1;
        next_us_ += periods * period_us_;
        return periods;
    }

  private:
    uint32_t period_us_;
    uint32_t next_us_;
    bool begun_;
};

/* Speaks the frame on a port: a session info at begin() and every five seconds, and six channels a sample. */
class HarSender {
  public:
    static const uint8_t channels = 6;

    HarSender(Print &port, const char *name, uint16_t rate_hz, uint8_t sensor_type) : port_(port)
    {
        static const char names[channels][HAR_CHANNEL_NAME_MAX + 1] = {"ax", "ay", "az", "gx", "gy", "gz"};
        session_.rate_hz = rate_hz;
        session_.channels = channels;
        session_.sensor_type = sensor_type;
        session_.dropped = 0;
        memcpy(session_.channel_names, names, sizeof names);
        strlcpy(session_.name, name, sizeof session_.name);
        sample_.channels = channels;
        sample_.micro = false;
        sample_.sequence = 0;
    }

    void begin()
    {
        session_.session_id = noise();
        start_ms_ = millis();
        send_session();
    }

    /* ax ay az in m/s2, gx gy gz in rad/s, read just now. Waits while the port is full. */
    void send(const float values[channels])
    {
        sample_.timestamp_ms = millis() - start_ms_;
        memcpy(sample_.values.real, values, channels * sizeof *values);
        if (millis() - session_ms_ >= session_period_ms)
            send_session();
        port_.write(frame_, har_encode_sample(&sample_, true, frame_, sizeof frame_));
        sample_.sequence++;
    }

    void drop(uint32_t samples) { session_.dropped += samples; }

    /* A line for people; the delimiter behind it makes it a corrupt frame for programs, and the next one whole. */
    void error(const __FlashStringHelper *text, uint8_t answer)
    {
        port_.print(F("ERR "));
        port_.print(text);
        port_.println(answer, HEX);
        port_.write((uint8_t)0);
    }

  private:
    static const uint32_t session_period_ms = 5000;
    static const uint8_t noise_readings = 64;

    void send_session()
    {
        session_ms_ = millis();
        port_.write(frame_, har_encode_session(&session_, true, frame_, sizeof frame_));
    }

    /* A number that differs from boot to boot: the noise on an open analogue input and the time that it took to read,
     * by FNV-1a. */
    static uint32_t noise()
    {
        uint32_t hash = 2166136261u;
        for (uint8_t reading = 0; reading < noise_readings; reading++)
            hash = (hash ^ (uint8_t)(analogRead(A0) ^ micros())) * 16777619u;
        return hash;
    }

    Print &port_;
    har_session session_;
    har_sample sample_;
    uint32_t start_ms_;
    uint32_t session_ms_;
    uint8_t frame_[HAR_SESSION_ROOM];
};

#endif
