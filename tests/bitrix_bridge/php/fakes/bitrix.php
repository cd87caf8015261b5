<?php
/**
 * Fake Bitrix classes for the parts of Bitrix that the site's PHP uses, with the behaviour that matters.
 *
 * The behaviour was read in the real classes (main 25.550, sale 25.0.200, catalog 25.100) and observed on them. The
 * table in docs/bitrix.md describes it, and test_fakes.py tests it. The state is a database that all requests share: an
 * SQLite file or a database of a real MariaDB server.
 */

define('SITE_ID', 's1');
define('FAKE_FOLDER', __DIR__);

foreach (
    [
        'main', 'types', 'connection', 'mariadb', 'sqlite', 'web', 'old_main', 'entity', 'collection', 'services',
        'budget', 'provider', 'basket', 'shipment', 'shipments', 'payment', 'properties', 'history', 'notify',
        'order_money', 'order_saving', 'order', 'old_sale', 'archive',
    ] as $part
) {
    require __DIR__ . '/' . $part . '.php';
}

$GLOBALS['APPLICATION'] = new CMain();

// The prolog starts a session, with a file and a cookie, unless the session was made virtual before.
if (!defined('BX_SECURITY_SESSION_VIRTUAL') || BX_SECURITY_SESSION_VIRTUAL !== true) {
    \Bitrix\Main\Application::getConnection()->put('fake_session', ['URI' => $_SERVER['REQUEST_URI'] ?? '']);
    header('Set-Cookie: PHPSESSID=made-up; path=/; HttpOnly');
}
