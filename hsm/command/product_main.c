/* imprint-product: behind `imprint product`. Shows every mistake in a product file, or what a
 * certificate of it looks like. It needs no token and no signer, and may be run by anybody. The
 * station's part is checked by imprint-station, which lies beside this program. */
#include "hsm/product/unit_pattern.h"
#include "hsm/product/product_match.h"
#include "hsm/command/sample.h"

#include <argp.h>
#include <errno.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#define STATION_PROGRAM "imprint-station"

enum { EXIT_DONE, EXIT_REFUSED, EXIT_USAGE };

struct arguments {
	const char *command, *file, *unit;
};

static const struct argp_option options[] = {
	{ "unit", 'u', "ID", 0, "Show the certificate of this unit", 0 },
	{ 0 },
};

static error_t take_argument(int key, char *value, struct argp_state *state)
{
	struct arguments *arguments = state->input;

	switch (key) {
	case 'u':
		arguments->unit = value;
		return 0;
	case ARGP_KEY_ARG:
		if (state->arg_num > 1)
			argp_error(state, "one file at a time");
		*(state->arg_num ? &arguments->file : &arguments->command) = value;
		return 0;
	case ARGP_KEY_END:
		if (!arguments->file || strcmp(arguments->command, "check") != 0)
			argp_error(state, "say: imprint product check FILE");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp parser = {
	options,
	take_argument,
	"check FILE",
	"Show a sample certificate of a product to approve, or every mistake in its file with line "
	"and column.",
	NULL,
	NULL,
	NULL,
};

static void print_mistake(void *context, const struct err *mistake)
{
	(void)context;
	fprintf(stderr, "%s\n", mistake->text);
}

static bool choose_unit(const struct product *product, const char *wanted,
			char ret_unit[static NAME_MAX_LEN + 1], struct err *e)
{
	if (!wanted)
		return unit_pattern_example(&product->unit_pattern, ret_unit) ||
		       err_set(e, ERR_INVALID,
			       "no example of a unit id is known for %s: name one with --unit ID",
			       product->unit_pattern_text);
	if (!product_allows_unit(product, wanted))
		return err_set(e, ERR_INVALID, "the unit id \"%.64s\" does not match %s", wanted,
			       product->unit_pattern_text);
	strcpy(ret_unit, wanted);
	return true;
}

/* "certificate + issuer" */
static void print_content(const struct product_file *file)
{
	char text[80] = "";

	for (size_t i = 0; i < file->content_count; i++) {
		size_t len = strlen(text);

		snprintf(text + len, sizeof(text) - len, "%s%s", i ? " + " : "",
			 product_content_name(file->content[i]));
	}
	printf("  %-32s  %-36s", file->name, text);
}

static bool print_files(const struct product *product, const struct sample *sample, struct err *e)
{
	printf("\nFiles for the board (sizes with the sample CA):\n  %-32s  %-36s  %-8s  %s\n",
	       "name", "content", "encoding", "bytes");
	for (size_t i = 0; i < product->file_count; i++) {
		const struct product_file *file = &product->files[i];
		AUTO_FREE uint8_t *data = NULL;
		size_t len;

		if (!certificate_file(sample->ca, product, file, bytes_of(sample->der, sample->len),
				      &data, &len, e))
			return false;
		print_content(file);
		printf("  %-8s  %zu\n", product_encoding_name(file), len);
	}
	return true;
}

static bool show_sample(const struct product *product, const char *wanted, struct err *e)
{
	__attribute__((cleanup(sample_clear))) struct sample sample = { 0 };
	char unit[NAME_MAX_LEN + 1];

	if (!choose_unit(product, wanted, unit, e) || !sample_make(product, unit, &sample, e))
		return false;
	printf("Product %s, sample for the unit %s. Issuer, serial, key and times are "
	       "examples.\n\n",
	       product->name, unit);
	return sample_print(&sample, stdout, e) && print_files(product, &sample, e);
}

/* The program beside this one. */
static bool find_station(char path[static PATH_MAX], struct err *e)
{
	char self[PATH_MAX];
	ssize_t len = readlink("/proc/self/exe", self, sizeof(self) - 1);
	char *slash;

	if (len < 0)
		return err_errno(e, ERR_SYSTEM, "cannot find this program's folder");
	self[len] = '\0';
	slash = strrchr(self, '/');
	slash[1] = '\0';
	if (snprintf(path, PATH_MAX, "%s%s", self, STATION_PROGRAM) >= PATH_MAX)
		return err_set(e, ERR_SYSTEM, "the path of this program is too long");
	return access(path, X_OK) == 0 ||
	       err_errno(e, ERR_NOT_FOUND, "the board part is not checked: no %s", path);
}

/* It prints its own mistakes. */
static bool check_station_part(const char *file, struct err *e)
{
	char path[PATH_MAX];
	char *const arguments[] = { STATION_PROGRAM, "--check-product", (char *)file, NULL };
	int status;
	pid_t pid;

	if (!find_station(path, e))
		return false;
	fflush(stdout);
	errno = posix_spawn(&pid, path, NULL, NULL, arguments, environ);
	if (errno)
		return err_errno(e, ERR_SYSTEM, "cannot run %s", path);
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return err_errno(e, ERR_SYSTEM, "cannot wait for %s", path);
	if (WIFEXITED(status) && WEXITSTATUS(status) == EXIT_DONE)
		return true;
	return err_set(e, ERR_INVALID, "the board part of %s has mistakes", file);
}

/* Both parts are looked at, whatever the first one has; a sample comes of a good file alone. */
static bool check(const struct arguments *arguments)
{
	AUTO(product) product = NULL;
	bool board = true, good;
	struct err e;

	good = product_load_reported(arguments->file, print_mistake, NULL, &product, &e);
	if (!good && e.code != ERR_INVALID)
		return false;
	if (good && !product_match(arguments->file, product, print_mistake, NULL, &board, &e))
		good = false;
	if (board && !check_station_part(arguments->file, &e)) {
		print_mistake(NULL, &e);
		good = false;
	}
	if (good && !show_sample(product, arguments->unit, &e)) {
		print_mistake(NULL, &e);
		good = false;
	}
	if (good && !board)
		printf("\nNo board part: this product serves imprint issue alone.\n");
	return good;
}

int main(int argc, char **argv)
{
	struct arguments arguments = { 0 };

	argp_err_exit_status = EXIT_USAGE;
	if (argp_parse(&parser, argc, argv, 0, NULL, &arguments))
		return EXIT_USAGE;
	return check(&arguments) ? EXIT_DONE : EXIT_REFUSED;
}
