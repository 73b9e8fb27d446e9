/* Any sequence of requests, each 16-bit length and message: the agent keeps to its own flash and
 * buffers. Framing is left to fuzz_frame, or else no input would ever get through its CRC. */
#include "serial/agent/agent.h"

#include <assert.h>

#define PAGE 1024
#define FLASH_SIZE (5 * PAGE)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct board {
	struct agent agent;
	uint8_t flash[FLASH_SIZE];
	uint8_t sum;
} board;

static size_t unit(void *context, char ret_text[AGENT_UNIT_MAX])
{
	(void)context;
	memset(ret_text, 'x', AGENT_UNIT_MAX);
	return AGENT_UNIT_MAX;
}

static void put(void *context, const uint8_t *data, size_t len)
{
	(void)context;
	assert(len <= FRAME_LINE_MAX && data[len - 1] == '\n');
}

static void restart(void *context)
{
	(void)context;
}

static bool random_bytes(void *context, uint8_t *ret_data, size_t len)
{
	(void)context;
	memset(ret_data, 4, len);
	return true;
}

static bool flash_read(void *context, uint32_t address, uint8_t *ret_data, size_t len)
{
	(void)context;
	assert(address <= FLASH_SIZE && len <= FLASH_SIZE - address);
	memcpy(ret_data, board.flash + address, len);
	return true;
}

static bool flash_erase(void *context, uint32_t address, uint32_t len)
{
	(void)context;
	assert(address <= FLASH_SIZE && len <= FLASH_SIZE - address && address % PAGE == 0);
	memset(board.flash + address, 0xff, len);
	return true;
}

static bool flash_program(void *context, uint32_t address, const uint8_t *data, size_t len)
{
	(void)context;
	assert(address <= FLASH_SIZE && len <= FLASH_SIZE - address);
	assert(address % PROV_ALIGN == 0 && len % PROV_ALIGN == 0);
	for (size_t i = 0; i < len; i++) {
		assert((data[i] & ~board.flash[address + i]) == 0); /* no bit may rise */
		board.flash[address + i] = data[i];
	}
	return true;
}

static void hash_start(void *context)
{
	(void)context;
	board.sum = 0;
}

static void hash_add(void *context, const uint8_t *data, size_t len)
{
	(void)context;
	while (len--)
		board.sum = (uint8_t)(board.sum * 31 + *data++);
}

static void hash_end(void *context, uint8_t ret_hash[AGENT_HASH_SIZE])
{
	(void)context;
	memset(ret_hash, board.sum, AGENT_HASH_SIZE);
}

static bool key_make(void *context, uint8_t ret_key[AGENT_KEY_MAX], size_t *ret_len)
{
	(void)context;
	memset(ret_key, 7, AGENT_KEY_MAX);
	*ret_len = AGENT_KEY_MAX;
	return true;
}

static bool key_point(void *context, struct bytes key, uint8_t ret_point[AGENT_POINT_SIZE])
{
	(void)context;
	memset(ret_point, key.data[0], AGENT_POINT_SIZE);
	return true;
}

static bool key_sign(void *context, struct bytes key, const uint8_t hash[AGENT_HASH_SIZE],
		     uint8_t ret_signature[AGENT_SIGNATURE_RAW])
{
	(void)context;
	(void)key;
	memcpy(ret_signature, hash, AGENT_HASH_SIZE);
	memset(ret_signature + AGENT_HASH_SIZE, 0, AGENT_SIGNATURE_RAW - AGENT_HASH_SIZE);
	return true;
}

static const struct agent_slot slots[] = { { "root", 2 * PAGE, PAGE },
					   { "chain", 3 * PAGE, 2 * PAGE } };
static const struct agent_port port = {
	.hardware = "fuzz",
	.firmware = "1",
	.slots = slots,
	.slot_count = 2,
	.key_address = 0,
	.state_address = PAGE,
	.page_size = PAGE,
	.unit = unit,
	.put = put,
	.restart = restart,
	.random = random_bytes,
	.flash_read = flash_read,
	.flash_erase = flash_erase,
	.flash_program = flash_program,
	.hash_start = hash_start,
	.hash_add = hash_add,
	.hash_end = hash_end,
	.key_make = key_make,
	.key_point = key_point,
	.key_sign = key_sign,
};

static void receive(struct bytes message)
{
	struct frame_encoder f = frame_encoder_start(message);
	uint8_t line[FRAME_LINE_MAX];
	size_t len;

	while ((len = frame_encode_line(&f, line)) > 0)
		for (size_t i = 0; i < len; i++)
			agent_receive(&board.agent, line[i]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	memset(board.flash, 0xff, sizeof(board.flash));
	agent_start(&board.agent, &port);
	while (size > 2) {
		size_t len = (size_t)data[0] << 8 | data[1];

		data += 2;
		size -= 2;
		len = len < size ? len : size;
		receive(bytes_of(data, len));
		data += len;
		size -= len;
	}
	return 0;
}
