/* adapter: the serial lines of this PC, as kernel and udev name them. Opens none of them, for to
 * open a line may restart the board on it.
 *	/sys/class/tty/ttyUSB0/device -> …/1-2/1-2.1/1-2.1:1.0/ttyUSB0	in USB socket 1-2.1
 *	/dev/serial/by-path/…-usb-0:2.1:1.0-port0 -> ../../ttyUSB0	by udev
 * What a USB device says of itself is made printable ASCII. Errors: ERR_SYSTEM. Threads: any.
 * Layer above: imprint-board. Below: none. */
#ifndef SERIAL_ADAPTER_H
#define SERIAL_ADAPTER_H

#include "base/err.h"

#include <stddef.h>

#define ADAPTERS_MAX 256
#define ADAPTER_DEVICE_SIZE 64
#define ADAPTER_PORT_SIZE 256 /* what etc/station.yaml takes */
#define ADAPTER_USB_SIZE 32
#define ADAPTER_TEXT_SIZE 64

struct adapter {
	char device[ADAPTER_DEVICE_SIZE]; /* /dev/ttyUSB0: may change when it is plugged again */
	char port[ADAPTER_PORT_SIZE]; /* /dev/serial/by-path/…: stays with the socket; "": none */
	char usb[ADAPTER_USB_SIZE];   /* 1-2.1: bus, then the port of each hub; "": not USB */
	char id[ADAPTER_TEXT_SIZE];   /* 0403:6001; "" if not USB, as all that follows */
	char product[ADAPTER_TEXT_SIZE];
	char serial[ADAPTER_TEXT_SIZE];
};

/* Those of the system below `root` ("" for the running one), by socket. */
MUST_CHECK bool adapter_list(const char *root, struct adapter adapters[static ADAPTERS_MAX],
			     size_t *ret_count, struct err *e);

#endif
