/* Short texts from elsewhere, of which the first byte picks one: the PIN file and the mark beside
 * it, a token's URI, a line of another program's check, keys and what a scanner types, the rules of
 * udev that are there already, and what a USB device says of itself. */
#include "base/check.h"
#include "base/cleanup.h"
#include "hsm/token/pin.h"
#include "hsm/token/pin_mark.h"
#include "hsm/token/token_uri.h"
#include "serial/adapter.h"
#include "serial/rules.h"
#include "station/screen/scanner.h"

#include <assert.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define RULES_MAX 4096

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char folder[] = "/dev/shm/fuzz-text-XXXXXX";
static const char *const usb_files[] = { "idVendor", "idProduct", "product", "serial" };

#define USB "/sys/devices/usb1/1-1"

static void path_of(const char *name, char ret_path[static PATH_MAX])
{
	snprintf(ret_path, PATH_MAX, "%s/%s", folder, name);
}

static void drop_folder(void)
{
	char command[64];

	snprintf(command, sizeof(command), "rm -r %s", folder);
	assert(system(command) == 0);
}

/* One adapter, and a folder for the files. */
static void make_folder(void)
{
	char command[512];

	assert(mkdtemp(folder));
	atexit(drop_folder);
	snprintf(
		command, sizeof(command),
		"cd %s && mkdir -p ." USB
		"/1-1:1.0/tty/ttyUSB0 sys/class/tty dev/serial/by-path && "
		"ln -s ../../../1-1:1.0 ." USB "/1-1:1.0/tty/ttyUSB0/device && "
		"ln -s ../../devices/usb1/1-1/1-1:1.0/tty/ttyUSB0 sys/class/tty/ && "
		"touch dev/ttyUSB0 && ln -s ../../ttyUSB0 dev/serial/by-path/pci-usb-0:1:1.0-port0",
		folder);
	assert(system(command) == 0);
}

static void save(const char *name, struct bytes content)
{
	char path[PATH_MAX];
	AUTO(fd) fd = -1;

	path_of(name, path);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	assert(fd >= 0 && write(fd, content.data, content.len) == (ssize_t)content.len);
}

static size_t load(const char *name, char ret_text[static RULES_MAX])
{
	char path[PATH_MAX];
	AUTO(fd) fd = -1;
	ssize_t len;

	path_of(name, path);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	len = fd < 0 ? -1 : read(fd, ret_text, RULES_MAX - 1);
	assert(len >= 0);
	ret_text[len] = '\0';
	return (size_t)len;
}

/* --- the readers --- */

/* One line, of which nothing is lost. */
static void read_pin(char *text, size_t len)
{
	struct bytes input = bytes_of(text, len), pin;
	char path[PATH_MAX];
	struct err e;

	save("pin", input);
	path_of("pin", path);
	if (!pin_read(path, &pin, &e)) {
		assert(e.code == ERR_PIN && *e.text);
		return;
	}
	assert(pin.len > 0 && pin.len <= PIN_MAX && len - pin.len <= 2);
	assert(memcmp(pin.data, text, pin.len) == 0);
	assert(!memchr(pin.data, 0, pin.len) && !memchr(pin.data, '\n', pin.len));
	assert(strspn(text + pin.len, "\r\n") == len - pin.len);
	pin_release();
}

/* Whatever lies there: only a whole mark of another PIN lets this one be tried. */
static void read_mark(char *text, size_t len)
{
	struct bytes pin = bytes_text("1234");
	char path[PATH_MAX];
	struct err e;

	save("mark", bytes_of(text, len));
	path_of("mark", path);
	assert(pin_mark_exists(path));
	assert(!pin_mark_check(path, pin, &e) || len == 18);
	assert(pin_mark_set(path, pin, &e) && !pin_mark_check(path, pin, &e));
}

static void read_uri(char *text, size_t len)
{
	struct token_config config = { 0 };
	struct err e;

	(void)len;
	if (token_uri(text, &config, &e))
		assert(strnlen(config.label, sizeof(config.label)) < sizeof(config.label) &&
		       strnlen(config.module, sizeof(config.module)) < sizeof(config.module));
	else
		assert(e.code == ERR_USAGE && *e.text);
}

static void read_check(char *text, size_t len)
{
	const char *subject, *said;
	enum check_level level;

	if (!check_read(text, &level, &subject, &said))
		return;
	assert(subject > text && *subject && said > subject && said <= text + len);
	assert(!strchr(subject, ' '));
}

static void take_event(struct scanner *s, enum scanner_event event)
{
	if (event == SCANNER_SCAN)
		assert(strlen(s->text) >= SCANNER_LEN_MIN && strlen(s->text) <= SCANNER_LEN_MAX);
	assert(s->len <= SCANNER_LEN_MAX);
}

/* A NUL is the gap. */
static void read_keys(char *text, size_t len)
{
	struct scanner s = { 0 };

	for (size_t i = 0; i < len; i++) {
		if (text[i])
			take_event(&s, scanner_take(&s, text[i]));
		for (size_t n = 0; !text[i] && scanner_rest(&s) != SCANNER_NOTHING; n++)
			assert(n <= SCANNER_LEN_MAX); /* it ends */
		assert(text[i] || !scanner_waits(&s));
	}
}

static size_t count_of(const char *text, const char *what)
{
	size_t count = 0;

	for (; (text = strstr(text, what)); text++)
		count++;
	return count;
}

/* What is there stays, but for our own rules, which are there once; written again, nothing changes. */
static void read_rules(char *text, size_t len)
{
	static const struct rule rules[] = {
		{ "A1", "/dev/serial/by-path/pci-0000:00:14.0-usb-0:1:1.0-port0" },
		{ "A2", "/dev/serial/by-path/pci-0000:00:14.0-usb-0:2:1.0" },
	};
	static const char *const lines[] = {
		"SUBSYSTEM==\"tty\", ENV{ID_PATH}==\"pci-0000:00:14.0-usb-0:1:1.0\", "
		"ATTRS{port_number}==\"0\", SYMLINK+=\"imprint/A1\"\n",
		"SUBSYSTEM==\"tty\", ENV{ID_PATH}==\"pci-0000:00:14.0-usb-0:2:1.0\", "
		"SYMLINK+=\"imprint/A2\"\n",
	};
	char path[PATH_MAX], first[RULES_MAX], again[RULES_MAX];
	size_t first_len;
	struct err e;

	save("rules", bytes_of(text, len < RULES_MAX / 2 ? len : RULES_MAX / 2));
	path_of("rules", path);
	assert(rules_write(path, rules, 2, &e));
	first_len = load("rules", first);
	assert(rules_write(path, rules, 2, &e));
	assert(load("rules", again) == first_len && memcmp(first, again, first_len) == 0);
	for (int i = 0; i < 2; i++)
		assert(count_of(first, lines[i]) == 1);
	assert(count_of(first, "SYMLINK+=\"imprint/A1\"") == 1);
}

static void check_printable(const char *text, size_t size)
{
	assert(strnlen(text, size) < size);
	for (; *text; text++)
		assert(*text >= 0x20 && *text <= 0x7e);
}

/* Four files, NULs between. */
static void read_adapter(char *text, size_t len)
{
	static struct adapter adapters[ADAPTERS_MAX];
	const char *end = text + len + 1;
	struct err e;
	size_t count;

	for (size_t i = 0; i < 4; i++) {
		char name[64];
		struct bytes content = text < end ? bytes_text(text) : bytes_of("", 0);

		snprintf(name, sizeof(name), USB "/%s", usb_files[i]);
		save(name + 1, content);
		text += content.len + 1;
	}
	assert(adapter_list(folder, adapters, &count, &e) && count == 1);
	check_printable(adapters[0].id, sizeof(adapters[0].id));
	check_printable(adapters[0].usb, sizeof(adapters[0].usb));
	check_printable(adapters[0].product, sizeof(adapters[0].product));
	check_printable(adapters[0].serial, sizeof(adapters[0].serial));
	assert(strcmp(adapters[0].device, "/dev/ttyUSB0") == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static void (*const readers[])(char *text, size_t len) = {
		read_pin, read_mark, read_uri, read_check, read_keys, read_rules, read_adapter,
	};
	AUTO_FREE char *text = size > 0 ? calloc(1, size) : NULL;

	if (!text)
		return 0;
	if (strchr(folder, 'X'))
		make_folder();
	memcpy(text, data + 1, size - 1);
	readers[data[0] % (sizeof(readers) / sizeof(*readers))](text, size - 1);
	return 0;
}
