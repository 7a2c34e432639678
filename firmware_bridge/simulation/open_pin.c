#include "open_pin.h"

#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include <avr_adc.h>

enum { SUPPLY_MV = 5000 };

static void on_conversion(avr_irq_t *irq, uint32_t value, void *param)
{
    (void)irq;
    (void)value;
    avr_raise_irq(param, (uint32_t)(random() % SUPPLY_MV));
}

void open_pin_attach(avr_t *avr)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    srandom((unsigned)now.tv_nsec ^ (unsigned)getpid());
    avr->vcc = avr->avcc = avr->aref = SUPPLY_MV;
    avr_irq_t *pin = avr_io_getirq(avr, AVR_IOCTL_ADC_GETIRQ, ADC_IRQ_ADC0);
    avr_irq_register_notify(avr_io_getirq(avr, AVR_IOCTL_ADC_GETIRQ, ADC_IRQ_OUT_TRIGGER), on_conversion, pin);
}
