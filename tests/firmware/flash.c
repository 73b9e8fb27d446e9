#include "tests/firmware/board.h"

#define FLASH ((volatile uint8_t *)0x21000000u)
#define PROGRAM_UNIT 16u
#define ERASE_US 5000u	/* a page */
#define PROGRAM_US 500u /* a unit */

static bool inside(uint32_t address, size_t len)
{
	return address <= FLASH_SIZE && len <= FLASH_SIZE - address;
}

bool flash_read(uint32_t address, uint8_t *ret_data, size_t len)
{
	if (!inside(address, len))
		return false;
	for (size_t i = 0; i < len; i++)
		ret_data[i] = FLASH[address + i];
	return true;
}

/* A flash takes its time, and a power cut may come at any moment of it. */
static void pause(uint32_t us)
{
	uint32_t began_us = clock_us();

	while (clock_us() - began_us < us)
		;
}

bool flash_erase(uint32_t address, uint32_t len)
{
	if (!inside(address, len) || address % FLASH_PAGE != 0 || len % FLASH_PAGE != 0)
		return false;
	for (uint32_t i = 0; i < len; i++) {
		if (i % FLASH_PAGE == 0)
			pause(ERASE_US);
		FLASH[address + i] = 0xff;
	}
	return true;
}

bool flash_program(uint32_t address, const uint8_t *data, size_t len)
{
	if (!inside(address, len) || address % PROGRAM_UNIT != 0 || len % PROGRAM_UNIT != 0)
		return false;
	for (size_t i = 0; i < len; i++) {
		if (i % PROGRAM_UNIT == 0)
			pause(PROGRAM_US);
		FLASH[address + i] &= data[i];
		if (FLASH[address + i] != data[i])
			return false;
	}
	return true;
}
