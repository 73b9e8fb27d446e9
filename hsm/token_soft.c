#include "hsm/token.h"

#include "hsm/module.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#define DEPTH_MAX 8
#define SLOTS_MAX 64
#define CONFIGURATION "softhsm2.conf"
#define OBJECTS "tokens"

static bool sync_below(int folder_fd, const char *name, unsigned depth, struct err *e);

static bool sync_entries(DIR *folder, const char *name, unsigned depth, struct err *e)
{
	const struct dirent *entry;

	while ((errno = 0, entry = readdir(folder)) != NULL)
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0 &&
		    !sync_below(dirfd(folder), entry->d_name, depth + 1, e))
			return false;
	return errno == 0 || err_errno(e, ERR_SYSTEM, "cannot list the folder %s", name);
}

/* Files first, then the folder that names them. */
static bool sync_below(int folder_fd, const char *name, unsigned depth, struct err *e)
{
	AUTO(fd) fd = openat(folder_fd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
	struct stat status;
	DIR *folder;
	bool done;

	if (fd < 0 || fstat(fd, &status) < 0)
		return err_errno(e, ERR_SYSTEM, "cannot open %s to sync it", name);
	if (S_ISDIR(status.st_mode)) {
		if (depth == DEPTH_MAX)
			return err_set(e, ERR_INVALID, "%s is nested too deeply for a token", name);
		folder = fdopendir(dup(fd));
		if (!folder)
			return err_errno(e, ERR_SYSTEM, "cannot list the folder %s", name);
		done = sync_entries(folder, name, depth, e);
		closedir(folder);
		if (!done)
			return false;
	}
	return fsync(fd) == 0 || err_errno(e, ERR_SYSTEM, "cannot sync %s", name);
}

bool token_sync(const char *folder, struct err *e)
{
	return sync_below(AT_FDCWD, folder, 0, e);
}

static bool make_folder(const char *path, struct err *e)
{
	return mkdir(path, 0700) == 0 || errno == EEXIST ||
	       err_errno(e, ERR_SYSTEM, "cannot make the folder %s", path);
}

static bool write_configuration(const char *folder, struct err *e)
{
	char path[PATH_MAX], objects[PATH_MAX];
	AUTO(FILE) file = NULL;

	if (snprintf(objects, sizeof(objects), "%s/" OBJECTS, folder) >= (int)sizeof(objects) ||
	    snprintf(path, sizeof(path), "%s/" CONFIGURATION, folder) >= (int)sizeof(path))
		return err_set(e, ERR_INVALID, "the path %s is too long", folder);
	if (!make_folder(folder, e) || !make_folder(objects, e))
		return false;
	file = fopen(path, "we");
	if (!file ||
	    fprintf(file,
		    "directories.tokendir = %s\n"
		    "objectstore.backend = file\n"
		    "log.level = ERROR\n"
		    "slots.removable = false\n",
		    objects) < 0 ||
	    fflush(file) != 0)
		return err_errno(e, ERR_SYSTEM, "cannot write %s", path);
	if (setenv("SOFTHSM2_CONF", path, 1) < 0)
		return err_errno(e, ERR_SYSTEM, "cannot set SOFTHSM2_CONF");
	return true;
}

/* PKCS#11 pads labels with blanks and ends them with nothing. */
static void pad_label(const char *label, CK_UTF8CHAR ret_label[static TOKEN_LABEL_MAX])
{
	size_t len = strnlen(label, TOKEN_LABEL_MAX);

	memset(ret_label, ' ', TOKEN_LABEL_MAX);
	memcpy(ret_label, label, len);
}

/* The slot of the token with that label, or of an empty one with label NULL. */
static bool find_slot(struct module *m, const CK_UTF8CHAR *label, CK_SLOT_ID *ret_slot,
		      CK_TOKEN_INFO *ret_info, bool *ret_found, struct err *e)
{
	CK_SLOT_ID slots[SLOTS_MAX];
	CK_ULONG count = SLOTS_MAX;
	CK_RV answer = m->call->C_GetSlotList(CK_TRUE, slots, &count);

	*ret_found = false;
	if (answer != CKR_OK)
		return module_error(answer, "list the tokens", e);
	for (CK_ULONG i = 0; i < count && !*ret_found; i++) {
		if (m->call->C_GetTokenInfo(slots[i], ret_info) != CKR_OK)
			continue;
		*ret_slot = slots[i];
		*ret_found = ret_info->flags & CKF_TOKEN_INITIALIZED
				     ? label && memcmp(ret_info->label, label, TOKEN_LABEL_MAX) == 0
				     : !label;
	}
	return true;
}

static bool set_user_pin(struct module *m, CK_SLOT_ID slot, const char *pin, const char *so_pin,
			 struct err *e)
{
	CK_SESSION_HANDLE session;
	CK_RV answer = m->call->C_OpenSession(slot, CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL,
					      &session);

	if (answer != CKR_OK)
		return module_error(answer, "open a session of the new token", e);
	answer = m->call->C_Login(session, CKU_SO, (CK_UTF8CHAR *)so_pin, strlen(so_pin));
	if (answer == CKR_OK)
		answer = m->call->C_InitPIN(session, (CK_UTF8CHAR *)pin, strlen(pin));
	m->call->C_CloseSession(session);
	return answer == CKR_OK || module_error(answer, "set the new token's PIN", e);
}

/* What an earlier attempt has done already is left as it is. */
static bool init_token(struct module *m, const char *label, const char *pin, const char *so_pin,
		       struct err *e)
{
	CK_UTF8CHAR padded[TOKEN_LABEL_MAX];
	CK_TOKEN_INFO info;
	CK_SLOT_ID slot;
	CK_RV answer;
	bool found;

	pad_label(label, padded);
	if (!find_slot(m, padded, &slot, &info, &found, e))
		return false;
	if (!found) {
		if (!find_slot(m, NULL, &slot, &info, &found, e))
			return false;
		if (!found)
			return err_set(e, ERR_TOKEN, "the PKCS#11 module offers no empty token");
		answer = m->call->C_InitToken(slot, (CK_UTF8CHAR *)so_pin, strlen(so_pin), padded);
		if (answer != CKR_OK)
			return module_error(answer, "make a new token", e);
		if (!find_slot(m, padded, &slot, &info, &found, e))
			return false;
	}
	if (!found)
		return err_set(e, ERR_TOKEN, "the new token %s does not appear", label);
	return info.flags & CKF_USER_PIN_INITIALIZED || set_user_pin(m, slot, pin, so_pin, e);
}

bool token_init_soft(const char *module, const char *folder, const char *label, const char *pin,
		     const char *so_pin, struct err *e)
{
	CK_C_INITIALIZE_ARGS arguments = { .flags = CKF_OS_LOCKING_OK };
	struct module m;
	CK_RV answer;
	bool done;

	if (!write_configuration(folder, e) || !module_load(module, &m, e))
		return false;
	answer = m.call->C_Initialize(&arguments);
	done = answer == CKR_OK ? init_token(&m, label, pin, so_pin, e)
				: module_error(answer, "start SoftHSM", e);
	if (answer == CKR_OK)
		m.call->C_Finalize(NULL);
	module_unload(&m);
	return done && token_sync(folder, e);
}
