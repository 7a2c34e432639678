#define _GNU_SOURCE /* for ptsname_r */
#include "serial_port.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include <avr_uart.h>

enum { PATIENCE_MS = 50, QUIET_CHECKS = 3, CHECK_MS = 5 };

static void on_byte(avr_irq_t *irq, uint32_t value, void *param)
{
    serial_port *port = param;
    (void)irq;
    if (port->used < sizeof port->waiting) /* the main loop flushes long before this many bytes */
        port->waiting[port->used++] = (uint8_t)value;
    else
        port->unheard++;
}

static void listen_to_uart(serial_port *port, avr_t *avr)
{
    uint32_t flags = 0; /* neither lines on the console nor sleep while the firmware polls: the pace is ours */
    avr_ioctl(avr, AVR_IOCTL_UART_SET_FLAGS('0'), &flags);
    avr_irq_register_notify(avr_io_getirq(avr, AVR_IOCTL_UART_GETIRQ('0'), UART_IRQ_OUTPUT), on_byte, port);
}

static bool make_raw(int terminal)
{
    struct termios settings;
    if (tcgetattr(terminal, &settings) != 0)
        return false;
    cfmakeraw(&settings);
    return tcsetattr(terminal, TCSANOW, &settings) == 0;
}

/* A first reader that comes and goes: only from then on does the terminal tell that there is none. */
static bool open_and_close(const char *path)
{
    const int reader = open(path, O_RDWR | O_NOCTTY);
    return reader >= 0 && make_raw(reader) && close(reader) == 0;
}

bool serial_port_open(serial_port *port, avr_t *avr)
{
    memset(port, 0, sizeof *port);
    port->terminal = posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK);
    if (port->terminal < 0 || grantpt(port->terminal) != 0 || unlockpt(port->terminal) != 0)
        return false;
    if (ptsname_r(port->terminal, port->path, sizeof port->path) != 0 || !open_and_close(port->path))
        return false;
    listen_to_uart(port, avr);
    return true;
}

bool serial_port_has_reader(const serial_port *port)
{
    struct pollfd terminal = {.fd = port->terminal, .events = POLLOUT};
    return poll(&terminal, 1, 0) >= 0 && !(terminal.revents & POLLHUP);
}

/* The sketches listen to nothing; what a reader sends must not pile up. */
static void forget_what_comes(const serial_port *port)
{
    char bytes[256];
    while (read(port->terminal, bytes, sizeof bytes) > 0)
        ;
}

void serial_port_flush(serial_port *port, const volatile sig_atomic_t *stop)
{
    size_t done = 0;
    forget_what_comes(port);
    while (done < port->used && !*stop && serial_port_has_reader(port)) {
        const ssize_t written = write(port->terminal, port->waiting + done, port->used - done);
        struct pollfd terminal = {.fd = port->terminal, .events = POLLOUT};
        if (written > 0)
            done += (size_t)written;
        else if (errno == EAGAIN)
            poll(&terminal, 1, PATIENCE_MS);
        else if (errno != EINTR)
            break;
    }
    port->sent += done;
    port->unheard += port->used - done;
    port->used = 0;
}

void serial_port_drain(serial_port *port, int longest_ms, const volatile sig_atomic_t *stop)
{
    serial_port_flush(port, stop);
    if (!serial_port_has_reader(port))
        return;
    const int peer = open(port->path, O_RDONLY | O_NOCTTY | O_NONBLOCK);
    int quiet = 0;
    for (int waited = 0; peer >= 0 && waited < longest_ms && quiet < QUIET_CHECKS && !*stop; waited += CHECK_MS) {
        int unread = 0;
        poll(NULL, 0, CHECK_MS);
        quiet = ioctl(peer, FIONREAD, &unread) == 0 && unread == 0 ? quiet + 1 : 0;
    }
    if (peer >= 0)
        close(peer);
}
