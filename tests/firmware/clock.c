#include "tests/firmware/board.h"

/* The board's input and output block has a counter with a prescaler. */
#define COUNTER REGISTER(0x40028018u)
#define PRESCALE REGISTER(0x4002801cu)
#define CORE_MHZ 25

#define RESET REGISTER(0xe000ed0cu)
#define RESET_REQUEST 0x05fa0004u

void clock_start(void)
{
	PRESCALE = CORE_MHZ - 1;
}

uint32_t clock_us(void)
{
	return COUNTER;
}

void board_restart(void)
{
	__asm__ volatile("dsb");
	RESET = RESET_REQUEST;
	for (;;)
		;
}
