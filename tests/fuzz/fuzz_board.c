/* A hostile board's whole dialogue with each driver. Line, clock and waiting are this file's own
 * (what a program defines goes before what a library has), so that nothing takes time: silence
 * lasts until the deadline, at once. The first byte picks the driver, the second what it does
 * besides; then come moves, divided by F7 F7, one for each time that the station has sent and
 * listens:
 *	A cbor		the answer to its last request		M xor[8] cbor	with another head
 *	W bytes		on the wire				E bytes		behind the echo
 *	w bytes		the same, before it has sent		H, C		hung up, cancelled
 * and anything else is silence. Each call ends in time, says on failure whose fault it is, and
 * shows no byte of the board's that is not printable; what the station sends is well-formed; and a
 * file counts as kept only if the board has said its SHA-256, or all of its bytes. */
#include "base/clock.h"
#include "base/hex.h"
#include "base/wait.h"
#include "serial/base64.h"
#include "serial/board.h"
#include "serial/fault.h"
#include "serial/line.h"
#include "serial/link.h"

#include <assert.h>
#include <openssl/sha.h>

#define CALL_MS 4000
#define LATE_MS 1500 /* what a call may take beyond its deadline */
#define DIVIDER "\xf7\xf7"
#define SENT_MAX 8192
#define SAID_MAX 65536
#define WIRE_MAX 16384

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct port {
	char nothing;
};

static struct {
	int64_t now_us;
	bool is_smp;
	struct bytes moves; /* those to come */
	bool has_sent;	    /* since the last move */
	size_t sent_len, wire_at, wire_len;
	uint8_t sent[SENT_MAX], wire[WIRE_MAX];
	/* What goes to the board, and what comes from it, as one who listens understands it. */
	struct frame_decoder to_board, from_board;
	uint8_t request[LINK_MESSAGE_MAX + 2], answer[LINK_MESSAGE_MAX + 2], head[SMP_HEADER_SIZE];
	struct line_reader reader;
	bool deaf; /* too much was said */
	size_t said_len;
	char said[SAID_MAX];
} rig;

/* --- time --- */

int64_t clock_monotonic_us(void)
{
	return rig.now_us;
}

int64_t clock_monotonic_ms(void)
{
	return rig.now_us / 1000;
}

int64_t clock_deadline(int64_t timeout_ms)
{
	return clock_monotonic_ms() + timeout_ms;
}

bool wait_pause(int64_t duration_ms, int cancel_fd, struct err *e)
{
	(void)cancel_fd;
	(void)e;
	assert(duration_ms >= 0 && duration_ms < 1000);
	rig.now_us += duration_ms * 1000;
	return true;
}

/* --- what was said --- */

static void remember(struct bytes bytes)
{
	rig.deaf = rig.deaf || bytes.len > sizeof(rig.said) - rig.said_len;
	if (rig.deaf)
		return;
	memcpy(rig.said + rig.said_len, bytes.data, bytes.len);
	rig.said_len += bytes.len;
}

static void overhear(const uint8_t *data, size_t len)
{
	struct bytes message;

	for (size_t i = 0; i < len; i++) {
		if (rig.is_smp && frame_decode(&rig.from_board, data[i], &message))
			remember(message);
		else if (!rig.is_smp && line_take(&rig.reader, data[i]))
			remember(bytes_text(rig.reader.text));
		rig.deaf = rig.deaf || rig.reader.overlong;
	}
}

static bool was_said(struct bytes bytes)
{
	return rig.deaf || memmem(rig.said, rig.said_len, bytes.data, bytes.len);
}

static bool hash_was_said(const struct board_file *file)
{
	struct bytes sha256 = BYTES(file->sha256);
	char hex[2 * sizeof(file->sha256) + 1];
	char base64[BASE64_TEXT_LEN(sizeof(file->sha256)) + 1];

	base64_encode(sha256, base64);
	hex_encode(sha256, hex);
	for (size_t i = 0; i < rig.said_len && !rig.is_smp; i++)
		if (strncasecmp(rig.said + i, hex, strlen(hex)) == 0)
			return true;
	return was_said(rig.is_smp ? sha256 : bytes_text(base64));
}

/* --- the line --- */

bool port_open(const char *address, unsigned baud, struct port **ret_port, struct err *e)
{
	static struct port port;

	(void)address;
	(void)baud;
	(void)e;
	*ret_port = &port;
	return true;
}

void port_close(struct port *port)
{
	(void)port;
}

bool port_present(const char *address)
{
	(void)address;
	return true;
}

int64_t port_wire_ms(const struct port *port, size_t len)
{
	(void)port;
	return (int64_t)len / 12;
}

static void check_request(struct bytes message)
{
	struct cbor_reader r;

	assert(message.len > SMP_HEADER_SIZE && message.len <= LINK_MESSAGE_MAX);
	assert(((size_t)message.data[2] << 8 | message.data[3]) == message.len - SMP_HEADER_SIZE);
	r = cbor_reader_start(
		bytes_of(message.data + SMP_HEADER_SIZE, message.len - SMP_HEADER_SIZE));
	cbor_skip(&r);
	assert(cbor_at_end(&r));
	memcpy(rig.head, message.data, sizeof(rig.head));
}

/* A command is one line; the file of a modem, which stands in quotes, may have several. */
static void check_command(struct bytes bytes)
{
	bool in_quotes = false;

	assert(bytes.len > 0 && bytes.len < SENT_MAX);
	for (size_t i = 0; i + 1 < bytes.len; i++) {
		in_quotes ^= bytes.data[i] == '"';
		assert(bytes.data[i] >= 0x20 || in_quotes || i + 2 == bytes.len);
	}
	rig.sent_len = bytes.len;
	memcpy(rig.sent, bytes.data, bytes.len);
}

bool port_write(struct port *port, struct bytes bytes, int64_t deadline, int cancel_fd,
		struct err *e)
{
	struct bytes message;

	(void)port;
	(void)cancel_fd;
	if (deadline < clock_monotonic_ms())
		return err_set(e, ERR_TIMEOUT, "not sent in time");
	rig.now_us += 1000;
	rig.has_sent = true;
	if (!rig.is_smp)
		check_command(bytes);
	for (size_t i = 0; rig.is_smp && i < bytes.len; i++)
		if (frame_decode(&rig.to_board, bytes.data[i], &message))
			check_request(message);
	return true;
}

/* --- the board --- */

static void put(struct bytes bytes)
{
	size_t room = sizeof(rig.wire) - rig.wire_len;
	size_t len = bytes.len < room ? bytes.len : room;

	memcpy(rig.wire + rig.wire_len, bytes.data, len);
	rig.wire_len += len;
}

/* A packet of that map as an answer to the last request, its head changed by `spoilt`. */
static void put_answer(const uint8_t spoilt[static SMP_HEADER_SIZE], struct bytes map)
{
	uint8_t packet[SMP_HEADER_SIZE + LINK_MESSAGE_MAX], line[FRAME_LINE_MAX];
	struct frame_encoder f;
	size_t len = map.len < LINK_MESSAGE_MAX - SMP_HEADER_SIZE
			     ? map.len
			     : LINK_MESSAGE_MAX - SMP_HEADER_SIZE;

	memcpy(packet, rig.head, SMP_HEADER_SIZE);
	packet[0] |= 1;
	packet[2] = (uint8_t)(len >> 8);
	packet[3] = (uint8_t)len;
	for (size_t i = 0; i < SMP_HEADER_SIZE; i++)
		packet[i] ^= spoilt[i];
	memcpy(packet + SMP_HEADER_SIZE, map.data, len);
	f = frame_encoder_start(bytes_of(packet, SMP_HEADER_SIZE + len));
	while ((len = frame_encode_line(&f, line)) > 0)
		put(bytes_of(line, len));
}

static struct bytes next_move(void)
{
	const uint8_t *from = rig.moves.data;
	const uint8_t *end = rig.moves.len > 0 ? memmem(from, rig.moves.len, DIVIDER, 2) : NULL;
	size_t len = end ? (size_t)(end - from) : rig.moves.len;

	rig.moves = end ? bytes_of(end + 2, rig.moves.len - len - 2) : bytes_of(from + len, 0);
	return bytes_of(from, len);
}

/* False if the line has ended. */
static bool play(struct bytes move, struct err *e)
{
	static const uint8_t as_it_is[SMP_HEADER_SIZE];
	struct bytes rest = move.len > 0 ? bytes_of(move.data + 1, move.len - 1) : move;

	switch (move.len > 0 ? move.data[0] : 0) {
	case 'A':
		put_answer(as_it_is, rest);
		return true;
	case 'M':
		if (rest.len >= SMP_HEADER_SIZE)
			put_answer(rest.data, bytes_of(rest.data + SMP_HEADER_SIZE,
						       rest.len - SMP_HEADER_SIZE));
		return true;
	case 'E':
		put(bytes_of(rig.sent, rig.sent_len));
		put(rest);
		return true;
	case 'W':
	case 'w':
		put(rest);
		return true;
	case 'H':
		return err_set(e, FAULT_LINE_GONE, "the line was unplugged");
	case 'C':
		return err_set(e, ERR_CANCELLED, "stopped on request");
	default:
		return true;
	}
}

/* Fills the wire with what comes before the deadline. */
static bool listen(int64_t deadline, struct err *e)
{
	bool unasked = rig.moves.len > 0 && rig.moves.data[0] == 'w';

	if (rig.wire_at < rig.wire_len)
		return true;
	rig.wire_at = rig.wire_len = 0;
	if (deadline > clock_monotonic_ms() && (rig.has_sent || unasked)) {
		rig.has_sent = rig.has_sent && unasked;
		if (!play(next_move(), e))
			return false;
	}
	if (rig.wire_len > 0)
		return true;
	if (deadline > clock_monotonic_ms())
		rig.now_us = deadline * 1000;
	return err_set(e, ERR_TIMEOUT, "no answer in time");
}

bool port_read(struct port *port, uint8_t *buffer, size_t size, size_t *ret_len, int64_t deadline,
	       int cancel_fd, struct err *e)
{
	size_t len;

	(void)port;
	(void)cancel_fd;
	if (!listen(deadline, e))
		return false;
	len = rig.wire_len - rig.wire_at < size ? rig.wire_len - rig.wire_at : size;
	memcpy(buffer, rig.wire + rig.wire_at, len);
	overhear(buffer, len);
	rig.wire_at += len;
	rig.now_us += 1000;
	*ret_len = len;
	return true;
}

/* --- what the station wants --- */

static char pem[] = "-----BEGIN CERTIFICATE-----\n"
		    "MIIBCjCBrwIBADAvMS0wKwYDVQQDDCQ1MDM2MzE1NC0zOTMxLTQ0ZjAtODAyMi0x\n"
		    "MjFiNjQwMTYyN2QwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAAQqD6pNfa29oEXa\n"
		    "MDEyMzQ1Njc4OWFiY2RlZg==\n"
		    "-----END CERTIFICATE-----\n";
static char root[] = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n";
static struct board_file files[] = { { .name = "certificate", .target = "certificate" },
				     { .name = "root", .target = "ca" } };

#define FILE_COUNT (sizeof(files) / sizeof(*files))

static const struct board_settings settings[] = {
	{ .kind = BOARD_SETTINGS_NONE },
	{ .kind = BOARD_SETTINGS_FS,
	  .fs = { .csr = "/lfs/csr", .unit = "/lfs/unit", .reset = true } },
	{ .kind = BOARD_SETTINGS_NRF91, .nrf91 = { 17, BOARD_CR, BOARD_UNIT_IMEI } },
	{ .kind = BOARD_SETTINGS_ZSHELL, .zshell = { 42, BOARD_UNIT_HWINFO, "uart:~$ " } },
	{ .kind = BOARD_SETTINGS_FS, .fs = { .csr = "/lfs/csr", .unit = "" } },
	{ .kind = BOARD_SETTINGS_NRF91, .nrf91 = { 17, BOARD_CRLF, BOARD_UNIT_UUID } },
	{ .kind = BOARD_SETTINGS_ZSHELL, .zshell = { 42, BOARD_UNIT_NONE, "" } },
};

static const char *const drivers[] = { [BOARD_SETTINGS_NONE] = "prov",
				       [BOARD_SETTINGS_FS] = "fs",
				       [BOARD_SETTINGS_NRF91] = "nrf91",
				       [BOARD_SETTINGS_ZSHELL] = "zshell" };

enum wish { READ_BACK = 1, PROBE = 2, NO_CSR = 4, NO_WRITE = 8, NO_VERIFY = 16 };

static void check_text(const char *text)
{
	for (size_t len = 0; *text; text++, len++)
		assert(*text >= 0x20 && *text < 0x7f && len < BOARD_TEXT_MAX);
}

static void check_identity(const struct board_identity *identity)
{
	check_text(identity->unit);
	check_text(identity->hardware);
	check_text(identity->firmware);
}

/* Behind each call. */
static bool ended(bool done, int64_t deadline, const struct err *e)
{
	assert(clock_monotonic_ms() <= deadline + LATE_MS);
	if (done)
		return true;
	assert((e->code >= FAULT_FIRST && e->code < FAULT_LAST) || e->code == ERR_CANCELLED);
	assert(*e->text);
	for (const char *c = e->text; *c; c++)
		assert((*c >= 0x20 && *c < 0x7f) || strchr("\xe2\x80\xa6", *c)); /* … */
	return false;
}

static bool probe(struct board *board)
{
	struct board_report report;
	int64_t deadline = clock_deadline(CALL_MS);
	struct err e = { 0 };

	if (!ended(board_probe(board, &report, deadline, &e), deadline, &e))
		return false;
	check_identity(&report.identity);
	assert(strlen(report.state) < sizeof(report.state));
	return true;
}

static bool identify(struct board *board, char first[static BOARD_TEXT_MAX + 1])
{
	struct board_identity identity;
	int64_t deadline = clock_deadline(CALL_MS);
	struct err e = { 0 };

	if (!ended(board_identify(board, &identity, deadline, &e), deadline, &e))
		return false;
	check_identity(&identity);
	assert(!*first || strcmp(first, identity.unit) == 0); /* one board, one unit */
	strcpy(first, identity.unit);
	return true;
}

static bool read_csr(struct board *board)
{
	uint8_t csr[BOARD_CSR_MAX];
	int64_t deadline = clock_deadline(CALL_MS);
	struct err e = { 0 };
	size_t len = 0;

	if (!ended(board_csr(board, csr, &len, deadline, &e), deadline, &e))
		return false;
	assert(len <= sizeof(csr));
	return true;
}

static bool write_files(struct board *board)
{
	for (size_t i = 0; i < FILE_COUNT; i++) {
		int64_t deadline = clock_deadline(CALL_MS);
		struct err e = { 0 };

		if (!ended(board_write(board, &files[i], deadline, &e), deadline, &e))
			return false;
	}
	rig.said_len = 0;
	return true;
}

static bool verify_files(struct board *board, bool read_back)
{
	for (size_t i = 0; i < FILE_COUNT; i++) {
		int64_t deadline = clock_deadline(CALL_MS);
		struct err e = { 0 };

		if (!ended(board_verify(board, &files[i], read_back, deadline, &e), deadline, &e))
			return false;
		assert(hash_was_said(&files[i]) ||
		       (rig.is_smp && rig.said_len > files[i].content.len));
	}
	return true;
}

static bool prove(struct board *board, const char *unit)
{
	const struct board_challenge challenge = { .files = files, .file_count = FILE_COUNT };
	struct board_proof proof;
	int64_t deadline = clock_deadline(CALL_MS);
	struct err e = { 0 };

	if (!board_can_prove(board))
		return true;
	if (!ended(board_prove(board, &challenge, &proof, deadline, &e), deadline, &e))
		return false;
	assert(proof.signature_len > 0 && proof.signature_len <= sizeof(proof.signature));
	assert(strcmp(proof.unit, unit) == 0);
	return true;
}

static bool finish(struct board *board)
{
	int64_t deadline = clock_deadline(CALL_MS);
	struct err e = { 0 };

	return ended(board_finish(board, deadline, &e), deadline, &e);
}

/* As station/recipe does it. */
static bool provision(struct board *board, unsigned wishes)
{
	char unit[BOARD_TEXT_MAX + 1] = "";

	if (wishes & PROBE)
		return probe(board);
	return identify(board, unit) && (wishes & NO_CSR || read_csr(board)) &&
	       (wishes & NO_WRITE || write_files(board)) &&
	       (wishes & NO_VERIFY || verify_files(board, wishes & READ_BACK)) &&
	       prove(board, unit) && identify(board, unit) && finish(board);
}

static void start(struct bytes moves, const struct board_settings *s)
{
	rig.now_us = 1000000;
	rig.is_smp = s->kind <= BOARD_SETTINGS_FS;
	rig.moves = moves;
	rig.has_sent = rig.deaf = false;
	rig.sent_len = rig.wire_at = rig.wire_len = rig.said_len = 0;
	rig.to_board = frame_decoder_start(rig.request, sizeof(rig.request));
	rig.from_board = frame_decoder_start(rig.answer, sizeof(rig.answer));
	rig.reader = (struct line_reader) { .prompt = "" };
	memset(rig.head, 0, sizeof(rig.head));
	files[0].content = bytes_text(pem);
	files[1].content = bytes_text(root);
	for (size_t i = 0; i < FILE_COUNT; i++)
		SHA256(files[i].content.data, files[i].content.len, files[i].sha256);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct board_settings *s;
	struct board_options options = { .cancel_fd = -1 };
	AUTO(board) board = NULL;
	struct err e;

	if (size < 2)
		return 0;
	s = &settings[data[0] % (sizeof(settings) / sizeof(*settings))];
	options.driver = drivers[s->kind];
	options.settings = s;
	start(bytes_of(data + 2, size - 2), s);
	assert(board_open(&options, &board, &e));
	(void)provision(board, data[1]);
	return 0;
}
