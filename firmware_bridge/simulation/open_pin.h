/* A0 of a simulated AVR with nothing on it: noise, other at every start, from which the sketches take a session id. */
#ifndef OPEN_PIN_H
#define OPEN_PIN_H

#include <sim_avr.h>

void open_pin_attach(avr_t *avr);

#endif
