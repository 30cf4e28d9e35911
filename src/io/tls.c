/*
 * GnuTLS, which is what libmicrohttpd has under it.
 */
#include "io/tls.h"

#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <string.h>

#include "io/file.h"

enum { PEM_SIZE_MAX = 1 << 20 };

static rk_status read_pem(const char *file, rk_arena *arena, const char **text_out, rk_error *error) {
    rk_bytes bytes;
    RK_TRY(rk_file_read(arena, file, PEM_SIZE_MAX, &bytes, error));
    char *text = rk_arena_take(arena, bytes.size + 1);
    if (!text) return rk_fail(error, RK_NO_MEMORY, NULL, "no memory for a certificate");
    if (bytes.size > 0) memcpy(text, bytes.data, bytes.size);
    *text_out = text;
    if (strlen(text) == bytes.size && strstr(text, "-----BEGIN ")) return RK_OK;
    return rk_fail(error, RK_BAD_FILE, file, "it is no PEM");
}

static gnutls_datum_t datum(const char *text) {
    return (gnutls_datum_t){(unsigned char *)(uintptr_t)text, (unsigned)strlen(text)};
}

/* Which of both is wrong is found by reading each alone. */
static rk_status check_cert(const char *file, const char *text, rk_error *error) {
    gnutls_x509_crt_t *certs = NULL;
    unsigned count = 0;
    const gnutls_datum_t bytes = datum(text);
    int result = gnutls_x509_crt_list_import2(&certs, &count, &bytes, GNUTLS_X509_FMT_PEM, 0);
    if (result < 0) return rk_fail(error, RK_BAD_FILE, file, "it is no certificate: %s", gnutls_strerror(result));
    for (unsigned i = 0; i < count; i++) gnutls_x509_crt_deinit(certs[i]);
    gnutls_free(certs);
    return RK_OK;
}

static rk_status check_key(const char *file, const char *text, rk_error *error) {
    gnutls_x509_privkey_t key = NULL;
    const gnutls_datum_t bytes = datum(text);
    int result = gnutls_x509_privkey_init(&key);
    if (result == 0) result = gnutls_x509_privkey_import2(key, &bytes, GNUTLS_X509_FMT_PEM, NULL, GNUTLS_PKCS_PLAIN);
    if (key) gnutls_x509_privkey_deinit(key);
    if (result >= 0) return RK_OK;
    return rk_fail(error, RK_BAD_FILE, file, "it is no key without a password: %s", gnutls_strerror(result));
}

static rk_status check_both(const char *file, const char *cert, const char *key, rk_error *error) {
    gnutls_certificate_credentials_t credentials = NULL;
    const gnutls_datum_t cert_bytes = datum(cert), key_bytes = datum(key);
    int result = gnutls_certificate_allocate_credentials(&credentials);
    if (result >= 0) {
        result = gnutls_certificate_set_x509_key_mem(credentials, &cert_bytes, &key_bytes, GNUTLS_X509_FMT_PEM);
    }
    if (credentials) gnutls_certificate_free_credentials(credentials);
    if (result >= 0) return RK_OK;
    return rk_fail(error, RK_BAD_FILE, file, "it is not the key of the certificate: %s", gnutls_strerror(result));
}

rk_status rk_tls_read(const char *cert_file, const char *key_file, rk_arena *arena, const char **cert_out,
                      const char **key_out, rk_error *error) {
    *cert_out = *key_out = NULL;
    RK_TRY(read_pem(cert_file, arena, cert_out, error));
    RK_TRY(read_pem(key_file, arena, key_out, error));
    RK_TRY(check_cert(cert_file, *cert_out, error));
    RK_TRY(check_key(key_file, *key_out, error));
    return check_both(key_file, *cert_out, *key_out, error);
}
