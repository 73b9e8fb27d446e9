#include "tests/rig/boards_vboard.h"

#include "tests/rig/boards_vkey.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#define WEAK_BYTE 128
#define RESET_OFFSET 64 /* of a file: restarts once that much was programmed */
#define BANNER "\r\n*** Booting virtual board ***\r\n"

static size_t unit(void *context, char ret_text[AGENT_UNIT_MAX])
{
	const struct vboard *board = context;
	const char *text = board->unit;
	size_t len;

	if (board->trouble->kind == KIND_BAD_UNIT_TEXT)
		text = "T-\x01\x1b[2J\n";
	if (board->trouble->kind == KIND_WRONG_UNIT)
		text = "not a unit id!";
	len = strlen(text);
	memcpy(ret_text, text, len);
	if (board->trouble->kind == KIND_UNIT_CHANGED && board->erased > 0)
		ret_text[0] = (char)('A' + board->erased % 26);
	return len;
}

static void put(void *context, const uint8_t *data, size_t len)
{
	struct vboard *board = context;

	if (!board->restarting)
		board->around.put(board->around.context, data, len);
}

static void restart(void *context)
{
	struct vboard *board = context;

	board->restarting = true;
}

static bool random_bytes(void *context, uint8_t *ret_data, size_t len)
{
	(void)context;
	return vkey_random(ret_data, len);
}

static bool flash_read(void *context, uint32_t address, uint8_t *ret_data, size_t len)
{
	const struct vboard *board = context;

	return vflash_read(board->flash, address, ret_data, len);
}

static bool flash_erase(void *context, uint32_t address, uint32_t len)
{
	struct vboard *board = context;

	board->erased += address >= VFLASH_SLOTS;
	return !board->restarting && vflash_erase(board->flash, address, len);
}

static bool breaks_down(struct vboard *board, uint32_t offset, size_t len)
{
	bool always = board->trouble->kind == KIND_RESET_ALWAYS;

	if (!always && (board->trouble->kind != KIND_RESET || *board->trouble_done))
		return false;
	return offset + len > RESET_OFFSET;
}

/* Programs, but for the one bit that this flash has never held. */
static bool program_weak(struct vboard *board, uint32_t address, uint32_t offset,
			 const uint8_t *data, size_t len)
{
	uint8_t block[STORE_HEADER_SIZE];

	for (size_t at = 0; at < len; at += sizeof(block)) {
		memcpy(block, data + at, sizeof(block));
		if (offset + at <= WEAK_BYTE && WEAK_BYTE < offset + at + sizeof(block))
			block[WEAK_BYTE - offset - at] ^= 1;
		if (!vflash_program(board->flash, address + (uint32_t)at, block, sizeof(block)))
			return false;
	}
	return true;
}

static bool flash_program(void *context, uint32_t address, const uint8_t *data, size_t len)
{
	struct vboard *board = context;
	uint32_t offset;

	if (board->restarting)
		return false;
	if (!vflash_in_slot(address, &offset))
		return vflash_program(board->flash, address, data, len);
	if (breaks_down(board, offset, len)) {
		vflash_program(board->flash, address, data, STORE_HEADER_SIZE);
		board->restarting = *board->trouble_done = true;
		return false;
	}
	if (board->trouble->kind == KIND_FLASH_WEAK)
		return program_weak(board, address, offset, data, len);
	return vflash_program(board->flash, address, data, len);
}

static void hash_start(void *context)
{
	struct vboard *board = context;

	EVP_DigestInit_ex(board->hash, EVP_sha256(), NULL);
}

static void hash_add(void *context, const uint8_t *data, size_t len)
{
	struct vboard *board = context;

	EVP_DigestUpdate(board->hash, data, len);
}

static void hash_end(void *context, uint8_t ret_hash[AGENT_HASH_SIZE])
{
	struct vboard *board = context;

	EVP_DigestFinal_ex(board->hash, ret_hash, NULL);
}

static bool key_make(void *context, uint8_t ret_key[AGENT_KEY_MAX], size_t *ret_len)
{
	struct vboard *board = context;

	if (board->trouble->kind == KIND_SAME_KEY)
		return board->around.other_key(board->around.context, board->trouble->argument,
					       ret_key, ret_len);
	*ret_len = VKEY_LEN;
	return vkey_make(ret_key);
}

static bool key_point(void *context, struct bytes key, uint8_t ret_point[AGENT_POINT_SIZE])
{
	(void)context;
	return vkey_point(key, ret_point);
}

static bool spoils_csr(struct vboard *board)
{
	if (board->trouble->kind != KIND_SPOILT_CSR || *board->trouble_done)
		return board->trouble->kind == KIND_BAD_CSR;
	*board->trouble_done = true;
	return true;
}

static bool key_sign(void *context, struct bytes key, const uint8_t hash[AGENT_HASH_SIZE],
		     uint8_t ret_signature[AGENT_SIGNATURE_RAW])
{
	struct vboard *board = context;
	bool csr = board->agent.command == PROV_CSR;
	uint8_t other[VKEY_LEN];

	board->csr_made |= csr;
	if (!csr && board->trouble->kind == KIND_BAD_PROOF) {
		if (!vkey_make(other))
			return false;
		key = BYTES(other);
	}
	if (!vkey_sign(key, hash, ret_signature))
		return false;
	if (csr && spoils_csr(board))
		ret_signature[AGENT_SIGNATURE_RAW - 1] ^= 1;
	return true;
}

static const struct agent_port port_functions = {
	.hardware = "virtual",
	.firmware = "rig",
	.slots = vflash_slots,
	.slot_count = VFLASH_SLOT_COUNT,
	.key_address = VFLASH_KEY,
	.state_address = VFLASH_STATE,
	.page_size = VFLASH_PAGE,
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

bool vboard_open(const char *path, const char *unit_id, const struct vboard_surroundings *around,
		 const struct trouble *trouble, bool *trouble_done, struct vboard **ret_board,
		 struct err *e)
{
	AUTO(vboard) board = calloc(1, sizeof(*board));

	if (!board)
		return err_errno(e, ERR_SYSTEM, "no memory for a board");
	board->hash = EVP_MD_CTX_new();
	if (!board->hash)
		return err_set(e, ERR_SYSTEM, "no memory for a board");
	if (!vflash_open(path, unit_id, &board->flash, e))
		return false;
	vflash_unit(board->flash, board->unit);
	board->around = *around;
	board->trouble = trouble;
	board->trouble_done = trouble_done;
	board->port = port_functions;
	board->port.context = board;
	if (!agent_start(&board->agent, &board->port))
		return err_set(e, ERR_SYSTEM, "there are no random numbers");
	*ret_board = TAKE(board);
	return true;
}

void vboard_close(struct vboard *board)
{
	if (!board)
		return;
	vflash_close(board->flash);
	EVP_MD_CTX_free(board->hash);
	free(board);
}

void vboard_restart(struct vboard *board)
{
	board->restarting = false;
	board->csr_made = false;
	board->flood = NULL;
	agent_start(&board->agent, &board->port);
	put(board, (const uint8_t *)BANNER, strlen(BANNER));
}

void vboard_receive(struct vboard *board, struct bytes bytes)
{
	for (size_t i = 0; i < bytes.len && !board->restarting; i++)
		agent_receive(&board->agent, bytes.data[i]);
	if (board->restarting)
		vboard_restart(board);
}
