/* doctor_bundle: what support needs in one file. What is said here is what programs say to everybody
 * who may ask them, and the settings, without what people remarked beside them; nothing is read
 * that could hold a PIN or a key. */
#include "station/command/command.h"
#include "station/command/doctor.h"
#include "station/command/hide.h"

#include "base/cleanup.h"
#include "base/file.h"
#include "base/place.h"
#include "base/program.h"
#include "station/command/child.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <string.h>
#include <sys/stat.h>

#define PIECES_MAX 192 /* commands, settings, products, lines */
#define NAME_SIZE 320
#define TEXT_MAX 1048576
#define CHILD_MS 120000
#define SETTINGS_MAX 262144
#define WORDS_MAX 10
#define FOLDER "imprint-support"

struct piece {
	char name[NAME_SIZE];
	char *text; /* owned */
};

struct bundle {
	char folder[PATH_MAX]; /* of the pieces, mode 0700 */
	struct piece pieces[PIECES_MAX];
	size_t count;
	struct hide hide;
};

/* "imprint" is this program itself; `lines`: only lines with one of these words. */
static const struct command_piece {
	const char *name, *words[WORDS_MAX], *lines[3];
} commands[] = {
	{ "doctor.txt", { "imprint", "doctor" }, { NULL } },
	{ "version.txt", { "imprint", "--version" }, { NULL } },
	{ "system.txt", { "uname", "-a" }, { NULL } },
	{ "packages.txt",
	  { "dpkg-query", "--show", "imprint*", "softhsm2", "libp11-3", "libsqlite3-0", "libssl3",
	    "libmodbus5" },
	  { NULL } },
	{ "status.jsonl", { "imprint", "status", "--json" }, { NULL } },
	{ "runs.jsonl", { "imprint", "runs", "--json", "--limit", "200" }, { NULL } },
	{ "alarms.jsonl", { "imprint", "alarms", "--json" }, { NULL } },
	{ "orders.jsonl", { "imprint", "order", "list", "--json" }, { NULL } },
	{ "ledger-head.txt", { "imprint", "ledger", "head" }, { NULL } },
	{ "lines.jsonl", { "imprint", "board", "list", "--json" }, { NULL } },
	{ "journal.txt",
	  { "journalctl", "--no-pager", "--output=short-iso", "--lines=1000",
	    "--unit=imprint-signer.service", "--unit=imprint-station.service" },
	  { NULL } },
	{ "kernel.txt", { "dmesg" }, { "tty", "usb" } },
};

static bool add(struct bundle *b, const char *name, char *text, struct err *e)
{
	struct piece *piece = &b->pieces[b->count];

	if (b->count == PIECES_MAX) {
		free(text);
		return err_set(e, ERR_INVALID, "the bundle would have more than %d files",
			       PIECES_MAX);
	}
	snprintf(piece->name, sizeof(piece->name), "%s", name);
	piece->text = text;
	b->count++;
	return true;
}

/* What cannot be asked says why in its place. */
static bool add_child(struct bundle *b, const char *name, const char *const *words, struct err *e)
{
	char *text = malloc(TEXT_MAX);
	struct err why;
	int status;

	if (!text)
		return err_set(e, ERR_SYSTEM, "no memory for %s", name);
	if (!child_read(words, CHILD_MS, text, TEXT_MAX, &status, &why))
		snprintf(text, TEXT_MAX, "%s\n", why.text);
	return add(b, name, text, e);
}

/* In place: only the lines with one of the words stay. */
static void keep_lines(char *text, const char *const words[3])
{
	char *to = text, *rest = text;

	for (char *line; words[0] && (line = strsep(&rest, "\n"));) {
		size_t len = strlen(line);

		if (!strstr(line, words[0]) && (!words[1] || !strstr(line, words[1])))
			continue;
		memmove(to, line, len);
		to += len;
		*to++ = '\n';
	}
	if (words[0])
		*to = '\0';
}

static bool add_commands(struct bundle *b, struct err *e)
{
	char self[PATH_MAX];

	if (!program_find("imprint", self, e))
		return false;
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		const char *words[WORDS_MAX + 1] = { NULL };

		memcpy(words, commands[i].words, sizeof(commands[i].words));
		if (strcmp(words[0], "imprint") == 0)
			words[0] = self;
		if (!add_child(b, commands[i].name, words, e))
			return false;
		keep_lines(b->pieces[b->count - 1].text, commands[i].lines);
	}
	return true;
}

static bool add_file(struct bundle *b, const char *name, const char *path, struct err *e)
{
	uint8_t *data;
	size_t len;
	struct err why;

	if (!file_read(path, SETTINGS_MAX, &data, &len, &why)) {
		char *text = strdup(why.text);

		return text ? add(b, name, text, e) : err_set(e, ERR_SYSTEM, "no memory");
	}
	hide_remarks((char *)data);
	return add(b, name, (char *)data, e);
}

static bool add_product(void *context, const char *path, struct err *e)
{
	char name[NAME_SIZE];

	snprintf(name, sizeof(name), "products-%s", strrchr(path, '/') + 1);
	return add_file(context, name, path, e);
}

static bool add_settings(struct bundle *b, struct err *e)
{
	static const char *const names[] = { "signer.yaml", "station.yaml" };
	char path[PATH_MAX];

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (!place_path(PLACE_ETC, names[i], path, e) || !add_file(b, names[i], path, e))
			return false;
	return place_products(add_product, b, e);
}

/* Of each line that `imprint board list` names. */
static bool add_udev(struct bundle *b, struct err *e)
{
	static const char before[] = "\"device\": \"/dev/";
	const char *at = NULL;

	for (size_t i = 0; i < b->count; i++)
		if (strcmp(b->pieces[i].name, "lines.jsonl") == 0)
			at = b->pieces[i].text;
	while (at && (at = strstr(at, before))) {
		char device[64], name[NAME_SIZE];
		const char *const words[] = { "udevadm", "info", "--query=property", device, NULL };

		at += strlen(before);
		snprintf(device, sizeof(device), "/dev/%.*s", (int)strcspn(at, "\"/"), at);
		snprintf(name, sizeof(name), "udev-%s.txt", device + strlen("/dev/"));
		if (!add_child(b, name, words, e))
			return false;
	}
	return true;
}

static bool hide_units(struct bundle *b, struct err *e)
{
	for (size_t i = 0; i < b->count; i++)
		hide_learn(&b->hide, b->pieces[i].text);
	if (b->hide.full)
		return err_set(e, ERR_INVALID,
			       "more than %d unit ids are named: too many to take out; --units "
			       "leaves them in",
			       HIDE_MAX);
	for (size_t i = 0; i < b->count; i++)
		hide_apply(&b->hide, b->pieces[i].text);
	return true;
}

static bool write_pieces(struct bundle *b, struct err *e)
{
	char path[PATH_MAX + NAME_SIZE];

	for (size_t i = 0; i < b->count; i++) {
		AUTO(FILE) file = NULL;

		snprintf(path, sizeof(path), "%s/" FOLDER "/%s", b->folder, b->pieces[i].name);
		file = fopen(path, "wxe");
		if (!file || fputs(b->pieces[i].text, file) < 0 || fflush(file) != 0)
			return err_errno(e, ERR_SYSTEM, "cannot write %s", path);
	}
	return true;
}

static bool pack(const struct bundle *b, const char *path, struct err *e)
{
	char option[PATH_MAX + sizeof("--file=")], said[ERR_TEXT_SIZE / 2];
	const char *const words[] = { "tar",	       "--create", "--gzip",
				      "--force-local", option,	   "--directory",
				      b->folder,       FOLDER,	   NULL };
	int status;

	snprintf(option, sizeof(option), "--file=%s", path);
	if (!child_read(words, CHILD_MS, said, sizeof(said), &status, e))
		return false;
	return status == 0 || err_set(e, ERR_SYSTEM, "cannot pack %s: %s", path, said);
}

static bool make_folder(struct bundle *b, struct err *e)
{
	const char *above = secure_getenv("TMPDIR");
	char inner[PATH_MAX + sizeof(FOLDER) + 1];

	snprintf(b->folder, sizeof(b->folder), "%s/imprint-doctor.XXXXXX",
		 above && *above ? above : "/tmp");
	if (!mkdtemp(b->folder)) {
		b->folder[0] = '\0';
		return err_errno(e, ERR_SYSTEM, "cannot make a folder in %s",
				 above && *above ? above : "/tmp");
	}
	snprintf(inner, sizeof(inner), "%s/" FOLDER, b->folder);
	return mkdir(inner, 0700) == 0 || err_errno(e, ERR_SYSTEM, "cannot make %s", inner);
}

static int remove_one(const char *path, const struct stat *status, int kind, struct FTW *at)
{
	(void)status;
	(void)kind;
	(void)at;
	return remove(path);
}

static bool fill(struct bundle *b, bool with_units, struct err *e)
{
	return make_folder(b, e) && add_commands(b, e) && add_settings(b, e) && add_udev(b, e) &&
	       (with_units || hide_units(b, e)) && write_pieces(b, e);
}

/* The name is taken first: another file of that name stays as it is. */
static bool claim(const char *path, struct err *e)
{
	AUTO(fd) fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	return fd >= 0 || err_errno(e, ERR_SYSTEM, "cannot make %s", path);
}

int doctor_bundle(const char *path, bool with_units)
{
	struct bundle *b = calloc(1, sizeof(*b));
	struct err e;
	bool done;

	if (!b) {
		err_set(&e, ERR_SYSTEM, "no memory for a bundle");
		return command_fail(&e);
	}
	if (!claim(path, &e)) {
		free(b);
		return command_fail(&e);
	}
	umask(077);
	done = fill(b, with_units, &e) && pack(b, path, &e);
	if (*b->folder)
		nftw(b->folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	if (done)
		printf("%s: %zu files; no PIN, no key, no certificate%s. Look into it before you "
		       "send it: tar xzf %s\n",
		       path, b->count, with_units ? "" : ", no unit id", path);
	else
		unlink(path);
	for (size_t i = 0; i < b->count; i++)
		free(b->pieces[i].text);
	free(b);
	return done ? EXIT_DONE : command_fail(&e);
}
