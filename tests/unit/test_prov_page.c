/* The examples of docs/prov.md, replayed against both ends: the driver must send each request, and
 * the agent must give each answer, byte for byte. The board's key and random numbers are fixed. */
#include "base/clock.h"
#include "base/hex.h"
#include "serial/agent/agent.h"
#include "serial/board.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>
#include <openssl/evp.h>
#include <openssl/sha.h>
#include <openssl/x509.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>

#define PAGE "docs/prov.md"
#define MESSAGES_MAX 32
#define MESSAGE_SIZE 512
#define LINES_SIZE 1024
#define FLASH_SIZE 4096
#define ANSWER_MS 60000

struct message {
	char way; /* '>' asked, '<' answered; '?' and '!' the same, not said by the driver */
	size_t len;
	uint8_t data[MESSAGE_SIZE];
};

/* What the page shows. */
static struct {
	struct message messages[MESSAGES_MAX];
	size_t count, spoken;	/* spoken: of '>' and '<', which come first */
	char lines[LINES_SIZE]; /* of the first exchange */
} page;

/* The generator of P-256: the public key of the private key 1. */
static const char point_hex[] = "046b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296"
				"4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5";
/* Signatures that were once made with it: of the CSR, then of the proof. */
static const char *const signatures[] = {
	"62429d1d34a4fd270054592f0fdd5994d11540e7acff45c80d3c140a56e7f7f0"
	"abe76222cd78382dcbaf439f81ea811e0128ff64c67c1e8909d875c458ecd62f",
	"847f19b894c3e988b59a25a41e961ea0135fe76dbfcb2b60dca331d228217e3a"
	"d7bd4be75da037d98630cad3e1a5d458dbc6de72d0f3340751d654ce825da5f4",
};

struct bench {
	struct agent agent;
	uint8_t flash[FLASH_SIZE];
	EVP_MD_CTX *hash;
	size_t signed_count;
	bool wrong_signature;
	uint8_t sent[LINES_SIZE];
	size_t sent_len;
};

static size_t unit(void *context, char ret_text[AGENT_UNIT_MAX])
{
	(void)context;
	memcpy(ret_text, "T-0001", 6);
	return 6;
}

static void put(void *context, const uint8_t *data, size_t len)
{
	struct bench *b = context;

	assert_true(b->sent_len + len <= sizeof(b->sent));
	memcpy(b->sent + b->sent_len, data, len);
	b->sent_len += len;
}

static void restart(void *context)
{
	(void)context;
}

static bool random_bytes(void *context, uint8_t *ret_data, size_t len)
{
	(void)context;
	for (size_t i = 0; i < len; i++)
		ret_data[i] = (uint8_t)(i + 1);
	return true;
}

static bool flash_read(void *context, uint32_t address, uint8_t *ret_data, size_t len)
{
	struct bench *b = context;

	memcpy(ret_data, b->flash + address, len);
	return true;
}

static bool flash_erase(void *context, uint32_t address, uint32_t len)
{
	struct bench *b = context;

	memset(b->flash + address, 0xff, len);
	return true;
}

static bool flash_program(void *context, uint32_t address, const uint8_t *data, size_t len)
{
	struct bench *b = context;

	memcpy(b->flash + address, data, len);
	return true;
}

static void hash_start(void *context)
{
	struct bench *b = context;

	EVP_DigestInit_ex(b->hash, EVP_sha256(), NULL);
}

static void hash_add(void *context, const uint8_t *data, size_t len)
{
	struct bench *b = context;

	EVP_DigestUpdate(b->hash, data, len);
}

static void hash_end(void *context, uint8_t ret_hash[AGENT_HASH_SIZE])
{
	struct bench *b = context;

	EVP_DigestFinal_ex(b->hash, ret_hash, NULL);
}

static bool key_make(void *context, uint8_t ret_key[AGENT_KEY_MAX], size_t *ret_len)
{
	(void)context;
	ret_key[0] = 1;
	*ret_len = 1;
	return true;
}

static bool key_point(void *context, struct bytes key, uint8_t ret_point[AGENT_POINT_SIZE])
{
	(void)context;
	(void)key;
	return hex_decode(point_hex, ret_point, AGENT_POINT_SIZE);
}

static EVP_PKEY *public_key(void)
{
	static const uint8_t prefix[] = { 0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48,
					  0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48,
					  0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00 };
	uint8_t der[sizeof(prefix) + AGENT_POINT_SIZE];
	const uint8_t *at = der;

	memcpy(der, prefix, sizeof(prefix));
	assert_true(hex_decode(point_hex, der + sizeof(prefix), AGENT_POINT_SIZE));
	return d2i_PUBKEY(NULL, &at, sizeof(der));
}

static bool verifies(const uint8_t hash[AGENT_HASH_SIZE], const uint8_t *raw)
{
	EVP_PKEY *key = public_key();
	EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(key, NULL);
	uint8_t der[REQUEST_SIGNATURE_MAX];
	size_t len = request_signature(raw, der);
	bool good = EVP_PKEY_verify_init(context) == 1 &&
		    EVP_PKEY_verify(context, der, len, hash, AGENT_HASH_SIZE) == 1;

	EVP_PKEY_CTX_free(context);
	EVP_PKEY_free(key);
	return good;
}

static bool key_sign(void *context, struct bytes key, const uint8_t hash[AGENT_HASH_SIZE],
		     uint8_t ret_signature[AGENT_SIGNATURE_RAW])
{
	struct bench *b = context;
	char text[2 * AGENT_HASH_SIZE + 1];

	(void)key;
	if (b->signed_count == 2 ||
	    !hex_decode(signatures[b->signed_count++], ret_signature, AGENT_SIGNATURE_RAW))
		return false;
	if (!verifies(hash, ret_signature)) {
		print_error("signature %zu is not of %s\n", b->signed_count - 1,
			    hex_encode(bytes_of(hash, AGENT_HASH_SIZE), text));
		b->wrong_signature = true;
	}
	return true;
}

static const struct agent_slot slots[] = { { "root", 1024, 1024 } };
static const struct agent_port port = {
	.hardware = "example",
	.slots = slots,
	.slot_count = 1,
	.key_address = 2048,
	.state_address = 3072,
	.page_size = 1024,
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

/* Hex digits with blanks between, until something else comes. */
static void read_hex(const char *text, struct message *message)
{
	char digits[2 * MESSAGE_SIZE + 1];
	size_t len = 0;

	for (; *text && len < sizeof(digits) - 1; text++)
		if (*text != ' ' && *text != '\n')
			digits[len++] = *text;
	digits[len] = '\0';
	assert_int_equal(len % 2, 0);
	if (message->len + len / 2 > MESSAGE_SIZE)
		fail_msg("%s: an example is too long", PAGE);
	assert_true(hex_decode(digits, message->data + message->len, len / 2));
	message->len += len / 2;
}

/* "    > hex" and the like, and "      hex" that goes on; "    06 09 …" is a line on the wire. */
static int read_page(void **state)
{
	FILE *file = fopen(PAGE, "r");
	struct message *message = NULL;
	char line[512];
	bool example = false;

	(void)state;
	if (!file)
		fail_msg("cannot open %s", PAGE);
	while (fgets(line, sizeof(line), file)) {
		example = example || strncmp(line, "## Example", 10) == 0;
		if (!example || strncmp(line, "    ", 4) != 0) {
			message = NULL;
		} else if (line[4] != ' ' && strchr("><?!", line[4])) {
			assert_true(page.count < MESSAGES_MAX);
			message = &page.messages[page.count++];
			message->way = line[4];
			page.spoken += line[4] == '>' || line[4] == '<';
			read_hex(line + 5, message);
		} else if (line[4] == ' ' && message) {
			read_hex(line + 4, message);
		} else if (line[4] == '0' && strlen(page.lines) + strlen(line) < LINES_SIZE) {
			strcat(page.lines, line + 4);
		}
	}
	fclose(file);
	assert_int_equal(page.count % 2, 0);
	return 0;
}

/* Shows what the page should say. */
static void check_message(const struct message *wanted, struct bytes got)
{
	if (bytes_equal(bytes_of(wanted->data, wanted->len), got))
		return;
	print_message("    %c", wanted->way);
	for (size_t i = 0; i < got.len; i++)
		print_message("%s %02x", i && i % 32 == 0 ? "\n     " : "", got.data[i]);
	print_message("\n");
	fail_msg("message %zu of %s is another one", (size_t)(wanted - page.messages), PAGE);
}

static size_t to_lines(const struct message *message, uint8_t ret_wire[LINES_SIZE])
{
	struct frame_encoder encoder = frame_encoder_start(bytes_of(message->data, message->len));
	size_t len = 0, line_len;

	while ((line_len = frame_encode_line(&encoder, ret_wire + len)) > 0)
		len += line_len;
	return len;
}

static bool from_lines(const uint8_t *wire, size_t len, uint8_t ret_data[MESSAGE_SIZE],
		       struct bytes *ret_message)
{
	struct frame_decoder decoder = frame_decoder_start(ret_data, MESSAGE_SIZE);

	for (size_t i = 0; i < len; i++)
		if (frame_decode(&decoder, wire[i], ret_message))
			return true;
	return false;
}

static void the_agent_answers_as_the_page_says(void **state)
{
	static struct bench b;
	struct agent_port mine = port;

	(void)state;
	mine.context = &b;
	memset(b.flash, 0xff, sizeof(b.flash));
	b.hash = EVP_MD_CTX_new();
	assert_true(agent_start(&b.agent, &mine));
	for (size_t i = 0; i < page.count; i += 2) {
		uint8_t wire[LINES_SIZE], data[MESSAGE_SIZE];
		size_t len = to_lines(&page.messages[i], wire);
		struct bytes answer;

		b.sent_len = 0;
		for (size_t j = 0; j < len; j++)
			agent_receive(&b.agent, wire[j]);
		assert_true(from_lines(b.sent, b.sent_len, data, &answer));
		check_message(&page.messages[i + 1], answer);
	}
	EVP_MD_CTX_free(b.hash);
	assert_int_equal(b.signed_count, 2);
	assert_false(b.wrong_signature);
}

static void the_first_exchange_is_framed_as_the_page_says(void **state)
{
	char text[LINES_SIZE] = "";

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct bytes message = bytes_of(page.messages[i].data, page.messages[i].len);
		struct frame_encoder encoder = frame_encoder_start(message);
		uint8_t line[FRAME_LINE_MAX];
		size_t len;

		while ((len = frame_encode_line(&encoder, line)) > 0) {
			size_t at = strlen(text);

			snprintf(text + at, sizeof(text) - at, "%02x %02x %.*s 0a\n", line[0],
				 line[1], (int)(len - 3), (const char *)line + 2);
		}
	}
	if (strcmp(text, page.lines) != 0)
		fail_msg("the lines should be:\n%s", text);
}

/* A board that gives the page's answers, whatever it is asked; in a thread of its own. */
struct player {
	int listen_fd;
	bool old; /* does not know that it may answer in short */
	size_t count;
	struct message got[MESSAGES_MAX];
};

static const struct message *answer_of(const struct player *player)
{
	static struct message full;
	const struct message *said = &page.messages[player->count + 1];

	if (!player->old || said->data[7] != PROV_IDENTIFY)
		return said;
	full = page.messages[1];
	full.data[6] = said->data[6];
	return &full;
}

static void *play(void *context)
{
	struct player *player = context;
	int fd = accept(player->listen_fd, NULL, NULL);
	uint8_t data[MESSAGE_SIZE], wire[LINES_SIZE], byte;
	struct frame_decoder decoder = frame_decoder_start(data, sizeof(data));
	struct bytes message;

	while (player->count < page.spoken && read(fd, &byte, 1) == 1) {
		size_t len;

		if (!frame_decode(&decoder, byte, &message))
			continue;
		memcpy(player->got[player->count / 2].data, message.data, message.len);
		player->got[player->count / 2].len = message.len;
		len = to_lines(answer_of(player), wire);
		player->count += 2;
		if (write(fd, wire, len) != (ssize_t)len)
			break;
	}
	close(fd);
	return NULL;
}

static int listen_at(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(fd, 1), 0);
	return fd;
}

/* The station's side of the example, in its order. */
static bool provision(struct board *board, struct err *e)
{
	static const char text[] = "what lies in flash: a root certificate, say";
	struct board_file file = { .name = "root", .target = "root" };
	struct board_challenge challenge = { .files = &file, .file_count = 1 };
	struct board_identity identity;
	struct board_proof proof;
	uint8_t csr[BOARD_CSR_MAX];
	int64_t deadline = clock_deadline(ANSWER_MS);
	size_t csr_len;

	file.content = bytes_text(text);
	SHA256(file.content.data, file.content.len, file.sha256);
	for (size_t i = 0; i < 32; i++) {
		challenge.nonce[i] = (uint8_t)i;
		challenge.certificate_id[i] = (uint8_t)(0xa0 + i);
	}
	return board_identify(board, &identity, deadline, e) &&
	       board_csr(board, csr, &csr_len, deadline, e) &&
	       board_write(board, &file, deadline, e) &&
	       board_verify(board, &file, true, deadline, e) &&
	       board_prove(board, &challenge, &proof, deadline, e) &&
	       board_identify(board, &identity, deadline, e) && board_finish(board, deadline, e);
}

/* Provisions a player; true if all went well. */
static bool provision_player(struct player *player)
{
	char dir[] = "/tmp/test_prov_page.XXXXXX", path[64], address[80];
	struct board_options options = { .driver = "prov", .port = address, .cancel_fd = -1 };
	struct err e = { 0 };
	struct board *board = NULL;
	pthread_t thread;
	bool done;

	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/board", dir);
	snprintf(address, sizeof(address), "unix:%s", path);
	player->listen_fd = listen_at(path);
	assert_int_equal(pthread_create(&thread, NULL, play, player), 0);
	done = board_open(&options, &board, &e) && provision(board, &e);
	if (!done)
		print_error("%s\n", e.text);
	board_close(board);
	pthread_join(thread, NULL);
	close(player->listen_fd);
	unlink(path);
	rmdir(dir);
	return done;
}

static void the_driver_asks_as_the_page_says(void **state)
{
	static struct player player;

	(void)state;
	(void)provision_player(&player);
	for (size_t i = 0; i < page.spoken / 2; i++)
		check_message(&page.messages[2 * i],
			      bytes_of(player.got[i].data, player.got[i].len));
}

static void an_older_agent_may_say_all_each_time(void **state)
{
	static struct player player = { .old = true };

	(void)state;
	assert_true(provision_player(&player));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_agent_answers_as_the_page_says),
		cmocka_unit_test(the_first_exchange_is_framed_as_the_page_says),
		cmocka_unit_test(the_driver_asks_as_the_page_says),
		cmocka_unit_test(an_older_agent_may_say_all_each_time),
	};

	return cmocka_run_group_tests(tests, read_page, NULL);
}
