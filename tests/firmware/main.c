/* The firmware: the agent and the functions that it asks for. This is all that a product writes;
 * the rest of the folder is what its firmware has anyway. */
#include "serial/agent/agent.h"
#include "tests/firmware/board.h"
#include "tests/firmware/crypto.h"

#define BANNER "\r\n*** Booting board ***\r\n"

static size_t unit(void *context, char ret_text[AGENT_UNIT_MAX])
{
	uint8_t header[STORE_HEADER_SIZE];

	(void)context;
	if (!flash_read(0, header, sizeof(header)) || memcmp(header, "IMPB\0\0\0", 7) != 0 ||
	    header[7] > AGENT_UNIT_MAX ||
	    !flash_read(STORE_HEADER_SIZE, (uint8_t *)ret_text, header[7]))
		return 0;
	return header[7];
}

static void put(void *context, const uint8_t *data, size_t len)
{
	(void)context;
	uart_put(data, len);
}

static void restart(void *context)
{
	(void)context;
	board_restart();
}

static uint32_t time_us(void *context)
{
	(void)context;
	return clock_us();
}

static bool read(void *context, uint32_t address, uint8_t *ret_data, size_t len)
{
	(void)context;
	return flash_read(address, ret_data, len);
}

static bool erase(void *context, uint32_t address, uint32_t len)
{
	(void)context;
	return flash_erase(address, len);
}

static bool program(void *context, uint32_t address, const uint8_t *data, size_t len)
{
	(void)context;
	return flash_program(address, data, len);
}

static const struct agent_slot slots[] = {
	{ "certificate", FLASH_SLOT(0), FLASH_SLOT_SIZE },
	{ "issuer", FLASH_SLOT(1), FLASH_SLOT_SIZE },
	{ "chain", FLASH_SLOT(2), FLASH_SLOT_SIZE },
	{ "root", FLASH_SLOT(3), FLASH_SLOT_SIZE },
	{ "bundle", FLASH_SLOT(4), FLASH_SLOT_SIZE },
};

static const struct agent_port port = {
	.hardware = "mps2-an385",
	.slots = slots,
	.slot_count = sizeof(slots) / sizeof(slots[0]),
	.key_address = FLASH_KEY,
	.state_address = FLASH_STATE,
	.page_size = FLASH_PAGE,
	.unit = unit,
	.put = put,
	.restart = restart,
	.random = crypto_random,
	.flash_read = read,
	.flash_erase = erase,
	.flash_program = program,
	.hash_start = crypto_hash_start,
	.hash_add = crypto_hash_add,
	.hash_end = crypto_hash_end,
	.key_make = crypto_key_make,
	.key_point = crypto_key_point,
	.key_sign = crypto_key_sign,
	.time_us = time_us,
};

static struct agent agent;

int main(void)
{
	clock_start();
	crypto_start();
	uart_start();
	put(NULL, (const uint8_t *)BANNER, strlen(BANNER));
	if (!agent_start(&agent, &port))
		return 1;
	for (;;)
		agent_receive(&agent, uart_get());
}
