/* A board with stock firmware: MCUmgr's groups os and fs on a console, as Zephyr 4.4 behaves. Its
 * network buffer has 384 bytes; it has two line buffers, which on a pty it empties every 10 ms:
 * what comes faster is lost. Broken packets and requests that are too long get no answer. Maps are
 * answered with indefinite lengths, also nested.
 *	/lfs1/csr.der	made when it is first read	/lfs1/unit	the unit id
 *	/lfs1/…/NAME.…	the files, in the flash's slot NAME */
#include "base/cbor.h"
#include "serial/frame.h"
#include "tests/rig/boards_device.h"

#include <stdio.h>
#include <string.h>

#define BUFFER_SIZE 384
#define LINE_BUFFERS 2
#define LINE_BUFFER_SIZE 128
#define POLL_NS 10000000
#define MOUNT "/lfs1/"
#define CHUNK 256 /* of an answer, at most */

enum { OS = 0, FS = 8 };
enum { READ = 0, WRITE = 2 };

struct fsboard {
	struct device device;
	bool paced;
	size_t line_count, line_len[LINE_BUFFERS];
	uint8_t lines[LINE_BUFFERS][LINE_BUFFER_SIZE];
	size_t at; /* in the line that comes in */
	bool dropping;
	int64_t poll_ns;
	struct frame_decoder decoder;
	uint8_t packet[BUFFER_SIZE];
	/* The file that is being written, all of it once it is there. */
	char path[65];
	uint8_t content[VFLASH_SLOT_SIZE];
	uint64_t len, expected;
	uint8_t csr[REQUEST_MAX];
	size_t csr_len;
	bool version_1; /* of the request in hand */
	unsigned answers;
};

/* --- answers --- */

static void open_map(struct cbor_writer *w)
{
	w->data[w->len++] = 0xbf;
}

static void close_map(struct cbor_writer *w)
{
	w->data[w->len++] = 0xff;
}

static void put_number(struct cbor_writer *w, const char *key, uint64_t value)
{
	cbor_put_key(w, key);
	cbor_put_unsigned(w, value);
}

/* rc 0 is none. */
static void put_rc(struct cbor_writer *w, uint64_t rc)
{
	put_number(w, "rc", rc);
}

/* What an error of the group is in version 1. */
static uint64_t old_rc(uint64_t rc)
{
	return rc == 3 ? 5 : rc == 11 || rc == 2 ? 3 : 1;
}

static void put_group_error(struct fsboard *board, struct cbor_writer *w, uint64_t rc)
{
	if (board->version_1) {
		put_rc(w, old_rc(rc));
		return;
	}
	cbor_put_key(w, "err");
	open_map(w);
	put_number(w, "group", FS);
	put_rc(w, rc);
	close_map(w);
}

static void send_message(struct fsboard *board, struct bytes message)
{
	const struct trouble *trouble = board->device.metal->trouble;
	struct frame_encoder f = frame_encoder_start(message);
	uint8_t line[FRAME_LINE_MAX];
	size_t len;

	if (trouble->kind == KIND_LOSE && ++board->answers % trouble->number == 0)
		return;
	while ((len = frame_encode_line(&f, line)) > 0)
		board->device.metal->port.put(board->device.metal, line, len);
}

/* --- files --- */

static bool slot_of(const char *path, char slot[static 32])
{
	const char *slash = strrchr(path, '/');
	size_t len;

	if (strncmp(path, MOUNT, strlen(MOUNT)) != 0 || !slash)
		return false;
	len = strcspn(slash + 1, ".");
	snprintf(slot, 32, "%.*s", (int)(len < 31 ? len : 31), slash + 1);
	return true;
}

static size_t read_unit(struct fsboard *board, uint8_t *ret_data)
{
	char unit[AGENT_UNIT_MAX + 1];

	device_unit(&board->device, unit);
	return (size_t)sprintf((char *)ret_data, "%s\n", unit);
}

static size_t read_csr(struct fsboard *board, uint8_t *ret_data)
{
	char unit[AGENT_UNIT_MAX + 1];

	device_unit(&board->device, unit);
	if (board->csr_len == 0 || board->device.metal->agent.csr_len == 0)
		board->csr_len = device_csr(&board->device, unit, board->csr);
	board->device.metal->agent.csr_len = board->csr_len;
	memcpy(ret_data, board->csr, board->csr_len);
	return board->csr_len;
}

static size_t read_slot(struct fsboard *board, const char *path, uint8_t *ret_data)
{
	const struct agent_port *port = &board->device.metal->port;
	struct store_file file;
	char slot[32];

	if (!slot_of(path, slot) || store_find(port, bytes_text(slot), &file) != SMP_OK ||
	    store_read(port, &file, 0, ret_data, file.len) != SMP_OK)
		return 0;
	return file.len;
}

/* All of a file; 0 if there is none. */
static size_t read_path(struct fsboard *board, const char *path,
			uint8_t ret_data[static VFLASH_SLOT_SIZE])
{
	if (strcmp(path, MOUNT "unit") == 0)
		return read_unit(board, ret_data);
	if (strcmp(path, MOUNT "csr.der") == 0)
		return read_csr(board, ret_data);
	return read_slot(board, path, ret_data);
}

/* --- requests --- */

struct request {
	char name[65], type[17];
	uint64_t off, len;
	struct bytes data;
	bool has_name, has_off, has_len;
};

static void take_text(const struct cbor_reader *map, const char *key, char *ret_text, size_t size,
		      bool *ret_found)
{
	struct cbor_reader r = cbor_find(map, key, ret_found);
	struct bytes text = { 0 };

	if (*ret_found)
		text = cbor_want_string(&r, CBOR_TEXT, size - 1);
	*ret_found = text.len > 0;
	memcpy(ret_text, text.data ? text.data : (const uint8_t *)"", text.len);
	ret_text[text.len] = '\0';
}

static void take_number(const struct cbor_reader *map, const char *key, uint64_t *ret_value,
			bool *ret_found)
{
	struct cbor_reader r = cbor_find(map, key, ret_found);

	*ret_value = *ret_found ? cbor_want_unsigned(&r) : 0;
}

static bool parse(struct bytes payload, struct request *ret_request)
{
	struct cbor_reader r = cbor_reader_start(payload), data;
	bool found;

	memset(ret_request, 0, sizeof(*ret_request));
	cbor_want(&r, CBOR_MAP);
	if (!cbor_ok(&r))
		return false;
	take_text(&r, "name", ret_request->name, sizeof(ret_request->name), &ret_request->has_name);
	take_text(&r, "type", ret_request->type, sizeof(ret_request->type), &found);
	take_number(&r, "off", &ret_request->off, &ret_request->has_off);
	take_number(&r, "len", &ret_request->len, &ret_request->has_len);
	data = cbor_find(&r, "data", &found);
	if (found)
		ret_request->data = cbor_want_string(&data, CBOR_BYTES, BUFFER_SIZE);
	return true;
}

static void download(struct fsboard *board, const struct request *request, struct cbor_writer *w)
{
	static uint8_t content[VFLASH_SLOT_SIZE];
	size_t len = read_path(board, request->name, content), count;

	if (!request->has_name || !request->has_off) {
		put_rc(w, SMP_INVALID);
		return;
	}
	if (len == 0 || request->off > len) {
		put_group_error(board, w, len == 0 ? 3 : 12);
		return;
	}
	count = len - request->off < CHUNK ? len - request->off : CHUNK;
	put_number(w, "off", request->off);
	cbor_put_key(w, "data");
	cbor_put_bytes(w, bytes_of(content + request->off, count));
	if (request->off == 0)
		put_number(w, "len",
			   board->device.metal->trouble->kind == KIND_LYING_LENGTH ? UINT64_MAX
										   : len);
}

static void finish_upload(struct fsboard *board, struct cbor_writer *w)
{
	char slot[32];
	bool done = slot_of(board->path, slot) &&
		    device_write(&board->device, slot, bytes_of(board->content, board->len));

	if (done)
		put_number(w, "off", board->len);
	else
		put_group_error(board, w, 10);
	board->expected = 0;
}

/* An upload always replaces the file; a piece at another place than its end is refused, with the
 * length that the file has. */
static void upload(struct fsboard *board, const struct request *request, struct cbor_writer *w)
{
	if (!request->has_name || !request->has_off || (request->off == 0 && !request->has_len)) {
		put_rc(w, SMP_INVALID);
		return;
	}
	if (strncmp(request->name, MOUNT, strlen(MOUNT)) != 0) {
		put_group_error(board, w, 14);
		return;
	}
	if (request->off == 0) {
		strcpy(board->path, request->name);
		board->len = 0;
		board->expected = request->len;
	} else if (strcmp(board->path, request->name) != 0 || request->off != board->len) {
		put_group_error(board, w, 11);
		put_number(w, "len", board->len);
		return;
	}
	if (request->data.len > sizeof(board->content) - board->len) {
		put_group_error(board, w, 10);
		return;
	}
	memcpy(board->content + board->len, request->data.data, request->data.len);
	board->len += request->data.len;
	if (board->len >= board->expected)
		finish_upload(board, w);
	else
		put_number(w, "off", board->len);
}

static void hash(struct fsboard *board, const struct request *request, struct cbor_writer *w)
{
	uint8_t digest[AGENT_HASH_SIZE];
	uint32_t len;
	char slot[32];

	if (!request->has_name) {
		put_rc(w, SMP_INVALID);
	} else if (strcmp(request->type, "sha256") != 0 ||
		   board->device.metal->trouble->kind == KIND_NO_HASH) {
		put_group_error(board, w, 13);
	} else if (!slot_of(request->name, slot) ||
		   !device_hash(&board->device, slot, &len, digest)) {
		put_group_error(board, w, 3);
	} else {
		cbor_put_key(w, "type");
		cbor_put_key(w, "sha256");
		put_number(w, "len", len);
		cbor_put_key(w, "output");
		cbor_put_bytes(w, BYTES(digest));
	}
}

static void params(struct cbor_writer *w)
{
	put_number(w, "buf_size", BUFFER_SIZE);
	put_number(w, "buf_count", 4);
}

static void info(struct cbor_writer *w)
{
	cbor_put_key(w, "output");
	cbor_put_key(w, "Zephyr rig 4.4.0 virtual");
}

static void dispatch(struct fsboard *board, const uint8_t *head, const struct request *request,
		     struct cbor_writer *w)
{
	unsigned op = head[0] & 7, group = (unsigned)head[4] << 8 | head[5], command = head[7];

	if (group == OS && command == 6)
		params(w);
	else if (group == OS && command == 7)
		info(w);
	else if (group == OS && command == 5)
		board->device.metal->restarting = true;
	else if (group == FS && command == 0 && op == READ)
		download(board, request, w);
	else if (group == FS && command == 0 && op == WRITE)
		upload(board, request, w);
	else if (group == FS && command == 2)
		hash(board, request, w);
	else
		put_rc(w, SMP_NOT_SUPPORTED);
}

static void answer(struct fsboard *board, struct bytes message)
{
	uint8_t out[SMP_HEADER_SIZE + 1024];
	struct cbor_writer w = { .data = out + SMP_HEADER_SIZE, .size = 1000 };
	struct vboard *metal = board->device.metal;
	struct request request;
	bool restarts;

	if (message.len < SMP_HEADER_SIZE || message.len > BUFFER_SIZE - 4)
		return;
	board->version_1 = (message.data[0] >> 3 & 3) == 0;
	if (!board->version_1 && metal->trouble->kind == KIND_VERSION_1)
		return;
	open_map(&w);
	if (parse(bytes_of(message.data + SMP_HEADER_SIZE, message.len - SMP_HEADER_SIZE),
		  &request))
		dispatch(board, message.data, &request, &w);
	else
		put_rc(&w, SMP_INVALID);
	close_map(&w);
	device_spoil(&board->device, &w);
	memcpy(out, message.data, SMP_HEADER_SIZE);
	out[0]++;
	out[2] = (uint8_t)(w.len >> 8);
	out[3] = (uint8_t)w.len;
	/* A reset is answered first; a power cut in mid-write is not. */
	restarts = metal->restarting && message.data[7] == 5;
	metal->restarting = metal->restarting && !restarts;
	send_message(board, bytes_of(out, SMP_HEADER_SIZE + w.len));
	metal->restarting = metal->restarting || restarts;
}

/* --- lines --- */

static void start(struct fsboard *board)
{
	board->line_count = board->at = 0;
	board->dropping = false;
	board->len = board->expected = 0;
	board->path[0] = '\0';
	board->csr_len = 0;
	board->decoder = frame_decoder_start(board->packet, sizeof(board->packet) - 2);
}

static void restart(struct device *device)
{
	struct fsboard *board = (struct fsboard *)device;

	vboard_restart(device->metal);
	start(board);
}

static void work_lines(struct fsboard *board)
{
	for (size_t i = 0; i < board->line_count; i++)
		for (size_t j = 0; j < board->line_len[i]; j++) {
			struct bytes message;

			if (frame_decode(&board->decoder, board->lines[i][j], &message))
				answer(board, message);
			if (board->device.metal->restarting) {
				restart(&board->device);
				return;
			}
		}
	board->line_count = 0;
}

/* A line needs a buffer from its first byte on. */
static void take_byte(struct fsboard *board, uint8_t byte)
{
	if (board->at == 0)
		board->dropping = board->line_count == LINE_BUFFERS;
	if (!board->dropping && board->at < LINE_BUFFER_SIZE)
		board->lines[board->line_count][board->at] = byte;
	board->at++;
	if (byte != '\n')
		return;
	if (!board->dropping && board->at <= LINE_BUFFER_SIZE)
		board->line_len[board->line_count++] = board->at;
	board->at = 0;
}

static void receive(struct device *device, struct bytes bytes, int64_t now_ns)
{
	struct fsboard *board = (struct fsboard *)device;

	if (board->line_count == 0 && !board->paced)
		board->poll_ns = now_ns + POLL_NS;
	for (size_t i = 0; i < bytes.len; i++) {
		take_byte(board, bytes.data[i]);
		if (board->paced && board->line_count > 0)
			work_lines(board);
	}
}

static int64_t due_ns(const struct device *device)
{
	const struct fsboard *board = (const struct fsboard *)device;

	return board->line_count > 0 ? board->poll_ns : INT64_MAX;
}

static void work(struct device *device, int64_t now_ns)
{
	struct fsboard *board = (struct fsboard *)device;

	if (board->line_count > 0 && board->poll_ns <= now_ns)
		work_lines(board);
}

static bool open_board(struct vboard *metal, bool paced, struct device **ret_device, struct err *e)
{
	struct fsboard *board = calloc(1, sizeof(*board));

	if (!board) {
		vboard_close(metal);
		return err_errno(e, ERR_SYSTEM, "no memory for a board");
	}
	board->device.kind = &fs_kind;
	board->device.metal = metal;
	board->paced = paced;
	start(board);
	*ret_device = &board->device;
	return true;
}

static void close_board(struct device *device)
{
	vboard_close(device->metal);
	free(device);
}

const struct device_kind fs_kind = {
	.name = "fs",
	.make_unit = device_unit_usual,
	.open = open_board,
	.close = close_board,
	.receive = receive,
	.restart = restart,
	.due_ns = due_ns,
	.work = work,
};
