/* register-ca --print: the same steps as commands of AWS's own tool, for a PC that has Internet. */
#include "cloud/command/ca.h"

#include <errno.h>
#include <fcntl.h>

#define FILE_SIZE 64

/* Made new, never written over. */
static bool write_new(const char *path, const char *pem, struct err *e)
{
	AUTO(fd) fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	size_t len = strlen(pem);

	if (fd < 0 && errno == EEXIST)
		return err_set(e, ERR_REFUSED,
			       "the file %s is there already; move it away, or go to another "
			       "folder",
			       path);
	if (fd < 0)
		return err_errno(e, ERR_SYSTEM, "cannot make the file %s", path);
	if (write(fd, pem, len) == (ssize_t)len && fsync(fd) == 0)
		return true;
	err_put_errno(e, ERR_SYSTEM, "cannot write the file %s", path);
	unlink(path);
	return false;
}

/* Both or none. verification NULL: there is none. */
static bool write_files(const char *ca_file, const char *ca, const char *verification_file,
			const char *verification, struct err *e)
{
	if (!write_new(ca_file, ca, e))
		return false;
	if (!verification || write_new(verification_file, verification, e))
		return true;
	unlink(ca_file);
	return false;
}

/* One line; its end is cut. */
static bool read_code(char ret_code[static IOT_CODE_SIZE], struct err *e)
{
	char line[4 * IOT_CODE_SIZE];
	char *first, *end;

	if (isatty(STDIN_FILENO))
		fprintf(stderr, "The registration code that it printed: ");
	if (!fgets(line, sizeof(line), stdin))
		return err_set(e, ERR_USAGE,
			       "no registration code came on standard input; give it with --code "
			       "CODE");
	first = line + strspn(line, " \t\"");
	end = first + strcspn(first, " \t\"\r\n");
	if (end - first >= IOT_CODE_SIZE)
		return err_set(e, ERR_USAGE, "a registration code is %d hexadecimal digits",
			       IOT_CODE_SIZE - 1);
	*end = '\0';
	strcpy(ret_code, first);
	return true;
}

/* As one word of sh, whatever it holds. */
static void print_word(const char *word)
{
	putchar('\'');
	for (; *word; word++)
		if (*word == '\'')
			fputs("'\\''", stdout);
		else
			putchar(*word);
	putchar('\'');
}

static void print_option(const char *option, const char *value)
{
	if (!value)
		return;
	printf(" %s ", option);
	print_word(value);
}

/* The start of a command, with what was said of the account. */
static void print_aws(const struct arguments *a, const char *operation)
{
	printf("aws iot %s", operation);
	print_option("--profile", a->account.profile);
	print_option("--region", a->account.region);
	print_option("--endpoint-url", a->account.endpoint_url);
}

static void print_commands(const struct arguments *a, const char *id, const char *ca_file,
			   const char *verification_file)
{
	printf("# Take %s%s%s to that PC, and there, in their folder:\n", ca_file,
	       a->sni_only ? "" : " and ", a->sni_only ? "" : verification_file);
	print_aws(a, "register-ca-certificate");
	printf(" --ca-certificate file://%s", ca_file);
	if (a->sni_only)
		printf(" --certificate-mode SNI_ONLY\n");
	else
		printf(" --verification-certificate file://%s\n", verification_file);
	printf("# Should that say ResourceAlreadyExistsException, it is registered: go on.\n");
	print_aws(a, "update-ca-certificate");
	printf(" --certificate-id %s --new-status %s --new-auto-registration-status %s\n", id,
	       a->inactive ? "INACTIVE" : "ACTIVE", a->no_auto_registration ? "DISABLE" : "ENABLE");
	print_aws(a, "describe-ca-certificate");
	printf(" --certificate-id %s\n", id);
}

/* What is typed goes to the other PC, so it is shown before the code is asked for. */
static bool ask_code(const struct arguments *a, char ret_code[static IOT_CODE_SIZE], struct err *e)
{
	if (a->code && strlen(a->code) >= IOT_CODE_SIZE)
		return err_set(e, ERR_USAGE, "a registration code is %d hexadecimal digits",
			       IOT_CODE_SIZE - 1);
	if (a->code) {
		strcpy(ret_code, a->code);
		return true;
	}
	printf("# On a PC with Internet and the AWS account's credentials:\n");
	print_aws(a, "get-registration-code");
	printf(" --query registrationCode --output text\n");
	fflush(stdout);
	return read_code(ret_code, e);
}

static bool check_options(const struct arguments *a, const struct ca_target *ca, struct err *e)
{
	if (a->json)
		return err_set(e, ERR_USAGE, "--print prints commands, not JSON");
	if (a->sni_only && a->code)
		return err_set(e, ERR_USAGE, "with --sni-only there is no registration code");
	if (!ca->pem)
		return err_set(e, ERR_USAGE, "--print wants the CA's certificate: --ca FILE");
	if (a->ca && !a->sni_only)
		return err_set(e, ERR_USAGE,
			       "only the station's own CA can be proved to AWS; leave --ca out, or "
			       "take --sni-only");
	return true;
}

static bool print_registration(const struct arguments *a, const struct ca_target *ca, struct err *e)
{
	char ca_file[FILE_SIZE], verification_file[FILE_SIZE], code[IOT_CODE_SIZE];
	AUTO_FREE char *verification = NULL;

	if (!check_options(a, ca, e) ||
	    (!a->sni_only && (!ask_code(a, code, e) || !ca_verification(code, &verification, e))))
		return false;
	snprintf(ca_file, sizeof(ca_file), "ca-%.8s.pem", ca->id);
	snprintf(verification_file, sizeof(verification_file), "verification-%.8s.pem", ca->id);
	if (!write_files(ca_file, ca->pem, verification_file, verification, e))
		return false;
	print_commands(a, ca->id, ca_file, verification_file);
	return true;
}

int ca_print_registration(const struct arguments *a)
{
	AUTO_CA_TARGET target = { 0 };
	struct err e;

	if (!ca_target_find(a, &target, &e) || !print_registration(a, &target, &e))
		return cloud_failed(&e);
	return CLOUD_DONE;
}
