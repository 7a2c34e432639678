/* A simulated AVR's first UART on a pseudo-terminal. */
#ifndef SERIAL_PORT_H
#define SERIAL_PORT_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sim_avr.h>

enum { SERIAL_PORT_ROOM = 4096 };

typedef struct {
    int terminal;
    char path[64]; /* what a reader opens */
    uint8_t waiting[SERIAL_PORT_ROOM];
    size_t used;
    unsigned long sent;
    unsigned long unheard; /* bytes that nobody was there to read, as on a wire without a listener */
} serial_port;

/* False, with errno, if there is no pseudo-terminal to be had. */
bool serial_port_open(serial_port *port, avr_t *avr);

bool serial_port_has_reader(const serial_port *port);

/* Pass on what the AVR has sent. While a reader is there, wait for it rather than lose a byte. */
void serial_port_flush(serial_port *port, const volatile sig_atomic_t *stop);

/* Wait until the reader has taken everything, at most so long: closing would take it from under its hands. */
void serial_port_drain(serial_port *port, int longest_ms, const volatile sig_atomic_t *stop);

#endif
