/* What runs before main, and the interrupt table of the Cortex-M3. */
#include "tests/firmware/board.h"

#include <string.h>

#define INTERRUPT_COUNT 16

extern uint8_t data_start[], data_end[], data_load[], bss_start[], bss_end[], stack_top[];
int main(void);
void reset_handler(void);

/* An embedded program has nobody to tell: the watchdog of a real board would do the same. */
static void fault_handler(void)
{
	board_restart();
}

void reset_handler(void)
{
	memcpy(data_start, data_load, (size_t)(data_end - data_start));
	memset(bss_start, 0, (size_t)(bss_end - bss_start));
	main();
	board_restart();
}

typedef void (*handler)(void);

static const struct {
	uint8_t *stack;
	handler system[15], interrupt[INTERRUPT_COUNT];
} vectors __attribute__((section(".vectors"), used)) = {
	stack_top,
	{ reset_handler, fault_handler, fault_handler, fault_handler, fault_handler,
	  fault_handler },
	{ uart_interrupt },
};
