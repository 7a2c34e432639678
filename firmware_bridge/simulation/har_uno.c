/* An Arduino Uno that runs a sketch against a recording: its serial port is a pseudo-terminal, its MPU6050 a file.
 * README.md says how to start it. */
#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <sim_avr.h>
#include <sim_elf.h>

#include "mpu6050.h"
#include "open_pin.h"
#include "serial_port.h"

static const uint32_t clock_hz = 16000000;
static const double slice_s = 0.001;    /* of the AVR's time: at most a dozen bytes at 115200 baud */
static const double too_late_s = 0.25;  /* behind by more, as when a reader was slow, it does not hurry after */
static const int drain_ms = 5000;
static const char usage[] =
    "usage: har_uno [--speed N] [--wait-for-reader] [--absent FROM:TO] [--link PATH] SKETCH.elf RECORDING\n"
    "  RECORDING  rows of six int16 of this machine's byte order: ax ay az gx gy gz in counts\n"
    "  --speed N  N times real time, 0 for as fast as it goes (1); the AVR's own clock does not notice\n"
    "  --wait-for-reader  start when somebody has opened the terminal\n"
    "  --absent FROM:TO   the sensor does not answer between these seconds of the AVR's time\n"
    "  --link PATH        a symbolic link to the terminal, whose own path is printed\n";

typedef struct {
    double speed;
    double absent_s;
    double present_s;
    bool wait_for_reader;
    const char *link;
    const char *sketch;
    const char *recording;
} settings;

static volatile sig_atomic_t stop;

static void on_signal(int number)
{
    (void)number;
    stop = 1;
}

static void fail(const char *what)
{
    fprintf(stderr, "har_uno: %s: %s\n", what, strerror(errno));
    exit(EXIT_FAILURE);
}

static settings read_settings(int argc, char **argv)
{
    static const struct option options[] = {
        {"speed", required_argument, NULL, 's'},
        {"absent", required_argument, NULL, 'a'},
        {"wait-for-reader", no_argument, NULL, 'w'},
        {"link", required_argument, NULL, 'l'},
        {0},
    };
    settings chosen = {.speed = 1};
    for (int option; (option = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        if (option == 's')
            chosen.speed = atof(optarg);
        else if (option == 'a' && sscanf(optarg, "%lf:%lf", &chosen.absent_s, &chosen.present_s) == 2)
            continue;
        else if (option == 'w')
            chosen.wait_for_reader = true;
        else if (option == 'l')
            chosen.link = optarg;
        else
            argc = 0;
    }
    if (argc - optind != 2) {
        fputs(usage, stderr);
        exit(EXIT_FAILURE);
    }
    chosen.sketch = argv[optind];
    chosen.recording = argv[optind + 1];
    return chosen;
}

/* simavr tells what it loads on standard output, where the terminal's path belongs. */
static void log_faults(avr_t *avr, const int level, const char *format, va_list arguments)
{
    (void)avr;
    if (level <= LOG_WARNING)
        vfprintf(stderr, format, arguments);
}

static avr_t *make_uno(const char *sketch)
{
    elf_firmware_t firmware = {0};
    avr_t *avr = avr_make_mcu_by_name("atmega328p");
    if (avr == NULL || elf_read_firmware(sketch, &firmware) != 0)
        fail(sketch);
    avr_init(avr);
    firmware.frequency = clock_hz;
    avr_load_firmware(avr, &firmware);
    return avr;
}

static double now_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static void sleep_s(double seconds)
{
    const double whole = floor(seconds);
    const struct timespec pause = {(time_t)whole, (long)(1e9 * (seconds - whole))};
    nanosleep(&pause, NULL);
}

/* An AVR that sleeps until an interrupt skips the cycles; the pace is kept outside. */
static void skip_sleep(avr_t *avr, avr_cycle_count_t cycles)
{
    (void)avr;
    (void)cycles;
}

/* Run a slice of the AVR's time. False when the firmware has come to its end, as none should. */
static bool run_slice(avr_t *avr, const mpu6050 *chip)
{
    const avr_cycle_count_t until = avr->cycle + (avr_cycle_count_t)(slice_s * clock_hz);
    while (avr->cycle < until && !chip->finished) {
        const int state = avr_run(avr);
        if (state == cpu_Done || state == cpu_Crashed)
            return false;
    }
    return true;
}

/* Wait until the wall's clock has come as far as the AVR's. */
static void keep_pace(double speed, double *start_s, const avr_t *avr)
{
    if (speed <= 0)
        return;
    const double ahead_s = *start_s + (double)avr->cycle / clock_hz / speed - now_s();
    if (ahead_s > 0)
        sleep_s(ahead_s);
    else if (ahead_s < -too_late_s)
        *start_s -= ahead_s;
}

static bool run(avr_t *avr, const mpu6050 *chip, serial_port *port, double speed)
{
    double start_s = now_s() - (double)avr->cycle / clock_hz / (speed > 0 ? speed : 1);
    while (!stop && !chip->finished) {
        if (!run_slice(avr, chip))
            return false;
        serial_port_flush(port, &stop);
        keep_pace(speed, &start_s, avr);
    }
    return true;
}

static void announce(const serial_port *port, const char *link)
{
    if (link != NULL && ((unlink(link) != 0 && errno != ENOENT) || symlink(port->path, link) != 0))
        fail(link);
    printf("%s\n", port->path);
    fflush(stdout);
}

int main(int argc, char **argv)
{
    const settings chosen = read_settings(argc, argv);
    const struct sigaction action = {.sa_handler = on_signal};
    size_t rows;
    const int16_t *samples = mpu6050_read_recording(chosen.recording, &rows);
    if (samples == NULL)
        fail(chosen.recording);
    avr_global_logger_set(log_faults);
    avr_t *avr = make_uno(chosen.sketch);
    static mpu6050 chip;
    static serial_port port;
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGINT, &action, NULL);
    avr->sleep = skip_sleep;
    mpu6050_attach(&chip, avr, samples, rows);
    chip.absent = (avr_cycle_count_t)(chosen.absent_s * clock_hz);
    chip.present = (avr_cycle_count_t)(chosen.present_s * clock_hz);
    open_pin_attach(avr);
    if (!serial_port_open(&port, avr))
        fail("pseudo-terminal");
    announce(&port, chosen.link);
    while (chosen.wait_for_reader && !stop && !serial_port_has_reader(&port))
        sleep_s(0.01);
    const bool ran = run(avr, &chip, &port, chosen.speed);
    serial_port_drain(&port, drain_ms, &stop);
    if (chosen.link != NULL)
        unlink(chosen.link);
    fprintf(stderr, "%zu of %zu samples played, %lu bytes sent, %lu unheard, %.3f s of the AVR's time\n", chip.played,
            rows, port.sent, port.unheard, (double)avr->cycle / clock_hz);
    return ran ? EXIT_SUCCESS : EXIT_FAILURE;
}
