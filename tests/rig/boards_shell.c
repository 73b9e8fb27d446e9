/* A board with Zephyr's shell on its console: prompt, echo and colours of a VT100, log lines
 * between that wipe the prompt away and put it back. Commands: hwinfo devid; nrf_cloud_cred keygen,
 * csr, pubkey, delete; cred buf, add, list, get, del. A command line has 256 characters, the buffer
 * for credentials 1024 of base64. There is room for one credential of each type, under one sec_tag.
 * In flash: CA in the slot root, SERV in the slot certificate, the key as the key. */
#include "tests/rig/boards_device.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define COMMAND_SIZE 257
#define BUFFER_SIZE 1024
#define WORDS_MAX 6
#define GET_WIDTH 48 /* bytes in a line of cred get */
#define PROMPT "\x1b[1;32muart:~$ \x1b[m"

struct shell {
	struct device device;
	size_t len, buffered;
	unsigned lines;
	char command[COMMAND_SIZE];
	char buffer[BUFFER_SIZE + 1];
};

static void prompt(struct shell *s)
{
	device_say(&s->device, PROMPT);
	device_flush(&s->device);
}

/* Deferred logging, in the shell's own way. */
static void log_line(struct shell *s)
{
	if (s->device.metal->trouble->kind == KIND_QUIET)
		return;
	device_say(&s->device,
		   "\x1b[8D\x1b[J[00:00:%02u.000,000] \x1b[0m<inf> app: still \x1b[1;33m"
		   "alive\x1b[0m\r\n",
		   s->lines % 60);
}

static void say_base64(struct shell *s, const char *before, const uint8_t *data, size_t len,
		       const char *after)
{
	char text[2048];

	EVP_EncodeBlock((unsigned char *)text, data, (int)len);
	device_say(&s->device, "%s%s%s\r\n", before, text, after);
}

/* --- hwinfo --- */

static void hwinfo(struct shell *s, char **words)
{
	char unit[AGENT_UNIT_MAX + 1];

	(void)words;
	device_unit(&s->device, unit);
	if (s->device.metal->trouble->kind == KIND_UNIT_CHANGED &&
	    strcmp(unit, s->device.metal->unit) != 0)
		unit[0] = 'f'; /* hexadecimal all the same */
	device_say(&s->device, "Length: %zu\r\nID: 0x%s\r\n", strlen(unit) / 2, unit);
}

/* --- nrf_cloud_cred --- */

static bool is_held(struct shell *s, uint32_t tag)
{
	uint32_t held;

	return device_tag(&s->device, &held) && held == tag;
}

static bool has_key(struct shell *s, uint32_t tag)
{
	return is_held(s, tag) && device_has_key(&s->device);
}

static void keygen(struct shell *s, uint32_t tag)
{
	uint8_t csr[REQUEST_MAX];

	if (has_key(s, tag)) {
		device_say(&s->device,
			   "\x1b[1;33mKey already exists in sec tag %u. Use 'delete' to remove it "
			   "first.\x1b[0m\r\n",
			   tag);
		return;
	}
	if (!device_take_tag(&s->device, tag) || device_csr(&s->device, "device", csr) == 0) {
		device_say(&s->device, "\x1b[1;31mKey generation failed: -5\x1b[0m\r\n");
		return;
	}
	log_line(s);
	device_say(&s->device, "Generated device key in sec tag %u\r\n", tag);
}

/* `subject` is "CN=…", of which nothing but the name counts. */
static void say_csr(struct shell *s, uint32_t tag, const char *subject)
{
	const char *name = subject && strncmp(subject, "CN=", 3) == 0 ? subject + 3 : "device";
	uint8_t csr[REQUEST_MAX];
	size_t len = has_key(s, tag) ? device_csr(&s->device, name, csr) : 0;

	if (len == 0) {
		device_say(&s->device, "\x1b[1;31mCSR generation failed: -2\x1b[0m\r\n");
		return;
	}
	say_base64(s, "CSR: ", csr, len, "");
	device_say(&s->device, "CSR generation complete\r\n");
}

static void say_public_key(struct shell *s, uint32_t tag)
{
	const struct agent_port *port = &s->device.metal->port;
	uint8_t key[AGENT_KEY_MAX], point[AGENT_POINT_SIZE];
	size_t len;

	if (!has_key(s, tag) || store_key(port, false, key, &len) != SMP_OK ||
	    !port->key_point(s->device.metal, bytes_of(key, len), point)) {
		device_say(&s->device, "\x1b[1;31mPublic key export failed: -2\x1b[0m\r\n");
		return;
	}
	say_base64(s, "PUBKEY: ", point, sizeof(point), "");
	device_say(&s->device, "Public key export complete\r\n");
}

static void cloud(struct shell *s, char **words)
{
	uint32_t tag = 0;

	if (!words[1] || (words[2] && sscanf(words[2], "%u", &tag) != 1)) {
		device_say(&s->device, "\x1b[1;31mInvalid sec tag\x1b[0m\r\n");
		return;
	}
	if (strcmp(words[1], "keygen") == 0) {
		keygen(s, tag);
	} else if (strcmp(words[1], "csr") == 0) {
		say_csr(s, tag, words[3]);
	} else if (strcmp(words[1], "pubkey") == 0) {
		say_public_key(s, tag);
	} else if (strcmp(words[1], "delete") == 0) {
		if (has_key(s, tag))
			device_forget_key(&s->device);
		device_say(&s->device, "Deleted device key in sec tag %u\r\n", tag);
	}
}

/* --- cred --- */

static const char *slot_of(const char *type)
{
	return strcasecmp(type, "CA") == 0 || strcasecmp(type, "CA_CERT") == 0 ? "root"
	       : strcasecmp(type, "SERV") == 0 || strcasecmp(type, "SERVER_CERT") == 0
		       ? "certificate"
		       : NULL;
}

static const char *long_name(const char *slot)
{
	return strcmp(slot, "root") == 0 ? "CA_CERT" : "SERVER_CERT";
}

/* Tag and type of a command; says what is wrong with them. */
static bool take_place(struct shell *s, char **words, uint32_t *ret_tag, const char **ret_slot)
{
	const char *tag = words[2] ? words[2] : "", *type = words[3] ? words[3] : "";

	*ret_slot = slot_of(type);
	if (!*tag || tag[strspn(tag, "0123456789")] || sscanf(tag, "%u", ret_tag) != 1)
		device_say(&s->device, "\x1b[1;31m%s is not a valid sectag.\x1b[0m\r\n", tag);
	else if (!*ret_slot)
		device_say(&s->device, "\x1b[1;31m%s is not a valid credential type.\x1b[0m\r\n",
			   type);
	else
		return true;
	return false;
}

static bool find_hash(struct shell *s, uint32_t tag, const char *slot,
		      uint8_t ret_hash[static AGENT_HASH_SIZE])
{
	uint32_t len;

	return is_held(s, tag) && device_hash(&s->device, slot, &len, ret_hash);
}

static void say_none(struct shell *s, uint32_t tag, const char *slot)
{
	device_say(&s->device,
		   "\x1b[1;31mThere is no TLS credential with sectag %u and type %s.\x1b[0m\r\n",
		   tag, long_name(slot));
}

/* Says so only where there was something in it. */
static void clear_buffer(struct shell *s)
{
	if (s->buffered > 0)
		device_say(&s->device, "Credential buffer cleared.\r\n");
	s->buffered = 0;
}

static void buffer(struct shell *s, char **words)
{
	size_t len = words[2] ? strlen(words[2]) : 0;

	if (len == 5 && strcmp(words[2], "clear") == 0) {
		clear_buffer(s);
		return;
	}
	if (s->buffered + len >= BUFFER_SIZE) {
		device_say(&s->device,
			   "\x1b[1;31mNot enough room in credential buffer for provided data. "
			   "Increase CONFIG_TLS_CREDENTIALS_SHELL_CRED_BUF_SIZE.\x1b[0m\r\n");
		clear_buffer(s);
		return;
	}
	memcpy(s->buffer + s->buffered, words[2] ? words[2] : "", len);
	s->buffered += len;
	if (s->device.metal->trouble->kind == KIND_LYING_LENGTH)
		len = SIZE_MAX;
	device_say(&s->device, "Stored %zu bytes.\r\n", len);
}

/* Decoded, with a NUL behind it for bint; -1: it is no base64. */
static int decode_buffer(struct shell *s, bool terminated, uint8_t ret_data[static BUFFER_SIZE])
{
	int len, padding = 0;

	while (padding < 2 && (size_t)padding < s->buffered &&
	       s->buffer[s->buffered - 1 - (size_t)padding] == '=')
		padding++;
	if (s->buffered % 4 != 0)
		return -1;
	len = EVP_DecodeBlock(ret_data, (const unsigned char *)s->buffer, (int)s->buffered);
	if (len < 0)
		return -1;
	len -= padding;
	ret_data[len] = 0;
	return len + terminated;
}

static void store(struct shell *s, uint32_t tag, const char *slot, bool terminated)
{
	uint8_t data[BUFFER_SIZE], hash[AGENT_HASH_SIZE];
	int len;

	if (s->buffered == 0) {
		device_say(&s->device, "\x1b[1;31mPlease provide a credential to add.\x1b[0m\r\n");
		return;
	}
	len = decode_buffer(s, terminated, data);
	if (find_hash(s, tag, slot, hash))
		device_say(&s->device,
			   "\x1b[1;31mTLS credential with sectag %u and type %s already "
			   "exists.\x1b[0m\r\n",
			   tag, long_name(slot));
	else if (len < 0)
		device_say(&s->device,
			   "\x1b[1;31mCould not decode input from base64, error: -22\x1b[0m\r\n");
	else if (!device_take_tag(&s->device, tag) ||
		 !device_write(&s->device, slot, bytes_of(data, (size_t)len)))
		device_say(&s->device,
			   "\x1b[1;31mFailed to add TLS credential with sectag %u and type %s. "
			   "Error: -5\r\n.\x1b[0m",
			   tag, long_name(slot));
	else
		device_say(&s->device,
			   "Added TLS credential of type %s, sectag %u, and length %d bytes.\r\n",
			   long_name(slot), tag, len);
}

static void add(struct shell *s, char **words)
{
	const char *format = words[5] ? words[5] : "", *slot;
	bool terminated = strcasecmp(format, "bint") == 0;
	uint32_t tag;

	if (take_place(s, words, &tag, &slot)) {
		if (strcasecmp(words[4] ? words[4] : "", "default") != 0)
			device_say(&s->device, "\x1b[1;31m%s is not a valid backend.\x1b[0m\r\n",
				   words[4] ? words[4] : "");
		else if (!terminated && strcasecmp(format, "bin") != 0)
			device_say(&s->device,
				   "\x1b[1;31m%s is not a valid storage format.\x1b[0m\r\n",
				   format);
		else
			store(s, tag, slot, terminated);
	}
	clear_buffer(s);
}

static void delete (struct shell *s, char **words)
{
	uint8_t hash[AGENT_HASH_SIZE];
	const char *slot;
	uint32_t tag;

	if (!take_place(s, words, &tag, &slot))
		return;
	if (!find_hash(s, tag, slot, hash)) {
		say_none(s, tag, slot);
		return;
	}
	device_forget_file(&s->device, slot);
	device_say(&s->device, "Deleted TLS credential with sectag %u and type %s.\r\n", tag,
		   long_name(slot));
}

static void list(struct shell *s, char **words)
{
	static const char *const types[][2] = { { "root", "CA" }, { "certificate", "SERV" } };
	uint32_t tag = 0, wanted;
	const char *slot = NULL;
	unsigned count = 0;

	if (s->device.metal->trouble->kind == KIND_ENDLESS_LIST)
		s->device.metal->flood = "42,SERV,AAECAwQFBgcICQoLDA0ODw==,0\r\n";
	if (words[2] && sscanf(words[2], "%u", &wanted) != 1)
		return;
	if (words[3] && !take_place(s, words, &wanted, &slot))
		return;
	if (device_tag(&s->device, &tag) && (!words[2] || wanted == tag)) {
		for (size_t i = 0; i < 2; i++) {
			uint8_t hash[AGENT_HASH_SIZE];
			char before[64];

			if ((slot && strcmp(slot, types[i][0]) != 0) ||
			    !find_hash(s, tag, types[i][0], hash))
				continue;
			snprintf(before, sizeof(before), "%u,%s,", tag, types[i][1]);
			say_base64(s, before, hash, sizeof(hash), ",0");
			count++;
		}
		if (!slot && device_has_key(&s->device)) {
			device_say(&s->device, "%u,PK_PSA,N/A,0\r\n", tag);
			count++;
		}
	}
	device_say(&s->device, "%u credentials found.\r\n", count);
}

static void get(struct shell *s, char **words)
{
	static uint8_t content[VFLASH_SLOT_SIZE];
	const struct agent_port *port = &s->device.metal->port;
	uint8_t hash[AGENT_HASH_SIZE];
	struct store_file file;
	const char *slot;
	uint32_t tag;

	if (!take_place(s, words, &tag, &slot))
		return;
	if (!find_hash(s, tag, slot, hash) || store_find(port, bytes_text(slot), &file) != SMP_OK ||
	    store_read(port, &file, 0, content, file.len) != SMP_OK) {
		say_none(s, tag, slot);
		return;
	}
	for (size_t at = 0; at < file.len; at += GET_WIDTH)
		say_base64(s, "", content + at,
			   file.len - at < GET_WIDTH ? file.len - at : GET_WIDTH, "");
	device_say(&s->device, "Credential buffer cleared.\r\n");
}

static void credentials(struct shell *s, char **words)
{
	static const struct {
		const char *name;
		void (*run)(struct shell *s, char **words);
	} commands[] = {
		{ "buf", buffer }, { "add", add }, { "del", delete },
		{ "list", list },  { "get", get },
	};

	for (size_t i = 0; words[1] && i < sizeof(commands) / sizeof(commands[0]); i++)
		if (strcmp(commands[i].name, words[1]) == 0) {
			commands[i].run(s, words);
			return;
		}
	device_say(&s->device, "cred - TLS Credentials Commands\r\n");
}

/* --- the line --- */

static void execute(struct shell *s)
{
	char *words[WORDS_MAX + 1] = { NULL }, *rest = s->command;

	s->command[s->len] = '\0';
	s->len = 0;
	device_say(&s->device, "\r\n");
	for (size_t i = 0; i < WORDS_MAX; i++)
		words[i] = strtok_r(NULL, " ", &rest);
	if (words[0] && strcmp(words[0], "hwinfo") == 0)
		hwinfo(s, words);
	else if (words[0] && strcmp(words[0], "nrf_cloud_cred") == 0)
		cloud(s, words);
	else if (words[0] && strcmp(words[0], "cred") == 0)
		credentials(s, words);
	else if (words[0])
		device_say(&s->device, "\x1b[1;31m%s: command not found\x1b[0m\r\n", words[0]);
	if (++s->lines % 4 == 0)
		log_line(s);
	prompt(s);
}

static void start(struct shell *s)
{
	s->len = s->buffered = 0;
}

static void restart(struct device *device)
{
	vboard_restart(device->metal);
	start((struct shell *)device);
	prompt((struct shell *)device);
}

static void receive(struct device *device, struct bytes bytes, int64_t now_ns)
{
	struct shell *s = (struct shell *)device;

	(void)now_ns;
	for (size_t i = 0; i < bytes.len; i++) {
		char c = (char)bytes.data[i];

		if (c == '\r' || c == '\n') {
			execute(s);
			if (device->metal->restarting) {
				restart(device);
				return;
			}
		} else if (c >= 0x20 && c < 0x7f && s->len < sizeof(s->command) - 1) {
			s->command[s->len++] = c;
			device_say(device, "%c", c);
		}
	}
	if (device->said_len > 0)
		device_flush(device);
}

static void make_unit(const char *prefix, unsigned number, char ret_unit[static AGENT_UNIT_MAX + 1])
{
	(void)prefix;
	snprintf(ret_unit, AGENT_UNIT_MAX + 1, "4e52463931%06x", number % 0x1000000);
}

static bool open_shell(struct vboard *metal, bool paced, struct device **ret_device, struct err *e)
{
	struct shell *s = calloc(1, sizeof(*s));

	(void)paced;
	if (!s) {
		vboard_close(metal);
		return err_errno(e, ERR_SYSTEM, "no memory for a board");
	}
	s->device.kind = &zshell_kind;
	s->device.metal = metal;
	start(s);
	*ret_device = &s->device;
	return true;
}

static void close_shell(struct device *device)
{
	vboard_close(device->metal);
	free(device);
}

const struct device_kind zshell_kind = {
	.name = "zshell",
	.make_unit = make_unit,
	.open = open_shell,
	.close = close_shell,
	.receive = receive,
	.restart = restart,
};
