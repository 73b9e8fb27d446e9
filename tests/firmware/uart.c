#include "tests/firmware/board.h"

#define UART 0x40004000u
#define DATA REGISTER(UART + 0x00)
#define STATE REGISTER(UART + 0x04)
#define CONTROL REGISTER(UART + 0x08)
#define INTERRUPT_CLEAR REGISTER(UART + 0x0c)
#define DIVIDER REGISTER(UART + 0x10)
#define INTERRUPT_ENABLE REGISTER(0xe000e100u) /* of the NVIC: bit 0 is UART0's receiver */

#define STATE_SEND_FULL 1u
#define STATE_RECEIVE_FULL 2u
#define CONTROL_SEND 1u
#define CONTROL_RECEIVE 2u
#define CONTROL_RECEIVE_INTERRUPT 8u
#define RECEIVE_INTERRUPT 2u
#define CORE_HZ 25000000u
#define BAUD 115200u

#define RING_SIZE 512u /* a power of two */

static volatile uint8_t ring[RING_SIZE];
static volatile uint32_t ring_in, ring_out;

void uart_start(void)
{
	DIVIDER = CORE_HZ / BAUD;
	CONTROL = CONTROL_SEND | CONTROL_RECEIVE | CONTROL_RECEIVE_INTERRUPT;
	INTERRUPT_ENABLE = 1;
	/* The emulator looks for bytes that came before now only when it is read from. */
	(void)DATA;
}

void uart_put(const uint8_t *data, size_t len)
{
	for (; len > 0; len--) {
		while (STATE & STATE_SEND_FULL)
			;
		DATA = *data++;
	}
}

/* What the ring has no room for is lost, as on any UART. */
void uart_interrupt(void)
{
	INTERRUPT_CLEAR = RECEIVE_INTERRUPT;
	while (STATE & STATE_RECEIVE_FULL) {
		uint8_t byte = (uint8_t)DATA;

		if (ring_in - ring_out == RING_SIZE)
			continue;
		ring[ring_in % RING_SIZE] = byte;
		ring_in++;
	}
}

uint8_t uart_get(void)
{
	uint8_t byte;

	/* With interrupts off none can slip in between looking and sleeping; a waiting one wakes.
	 */
	__asm__ volatile("cpsid i");
	while (ring_in == ring_out)
		__asm__ volatile("wfi\n\tcpsie i\n\tisb\n\tcpsid i" ::: "memory");
	__asm__ volatile("cpsie i");
	byte = ring[ring_out % RING_SIZE];
	ring_out++;
	return byte;
}
