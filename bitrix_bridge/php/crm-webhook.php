<?php
/**
 * Sends webhooks about orders, customers and products of this site to Cvety CRM.
 *
 * One line of local/php_interface/init.php includes this file; README.md has the steps. A handler only records in its
 * own table that an object has changed. The CRM gets the object's state at the time of sending: first from a background
 * job right after the response, then from an agent with growing retry delays, until the CRM has answered HTTP 200 with
 * {"status": "success"}.
 *
 * PHP 7.4 to 8.3, Bitrix main and sale from 20.0.
 */

use Bitrix\Main\Application;
use Bitrix\Main\Config\Option;
use Bitrix\Main\EventManager;
use Bitrix\Main\Web\HttpClient;

// The file was requested directly, outside of Bitrix.
if (!class_exists(EventManager::class)) {
    http_response_code(404);
    exit;
}

final class CvetyCrmWebhook
{
    const VERSION = '1.2';
    const TABLE = 'cvety_crm_queue';
    const AGENT = 'CvetyCrmWebhookAgent();';

    /** Seconds between the attempts for one object; the last one is repeated without end. */
    const RETRY_DELAYS = [30, 60, 300, 900, 3600];

    /** The number of refusals by the CRM after which an event is put aside; ping reports such events. */
    const MAX_REFUSALS = 3;

    /** Statuses that concern the connection, the token or the address, not the event: the event is kept and retried. */
    const TEMPORARY = [401, 403, 404, 405, 408, 425, 429];

    const INSTALLED_OPTION = 'cvety_crm_webhook_installed';
    const SENDER_LOCK = 'cvety_crm_sender';
    const CONNECT_SECONDS = 2;

    /** Columns that are useless for the CRM, or confidential. */
    const HIDDEN_COLUMNS = ['SEARCH_CONTENT' => 1, 'RUNNING' => 1, 'BX_USER_ID' => 1, 'STAT_GID' => 1];
    const USER_COLUMNS = [
        'ID', 'ACTIVE', 'LOGIN', 'NAME', 'LAST_NAME', 'SECOND_NAME', 'EMAIL', 'PERSONAL_PHONE', 'PERSONAL_MOBILE',
        'DATE_REGISTER', 'TIMESTAMP_X', 'XML_ID', 'EXTERNAL_AUTH_ID',
    ];
    const BASKET_COLUMNS = [
        'ID', 'PRODUCT_ID', 'NAME', 'PRICE', 'BASE_PRICE', 'DISCOUNT_PRICE', 'QUANTITY', 'CURRENCY', 'PRODUCT_XML_ID',
        'CUSTOM_PRICE', 'MEASURE_NAME', 'TYPE', 'SET_PARENT_ID', 'DETAIL_PAGE_URL',
    ];
    const PAYMENT_COLUMNS = [
        'ID', 'PAY_SYSTEM_ID', 'PAY_SYSTEM_NAME', 'SUM', 'CURRENCY', 'PAID', 'DATE_PAID', 'IS_RETURN',
    ];

    /** The checksum of an order covers these columns and its properties. Raw SQL changes them without an event. */
    const CHECKED_BASKET_COLUMNS = ['ID', 'PRODUCT_ID', 'NAME', 'PRICE', 'BASE_PRICE', 'QUANTITY'];
    const CHECKED_PAYMENT_COLUMNS = ['ID', 'PAY_SYSTEM_ID', 'SUM', 'PAID'];

    /** The service that Bitrix gives a shipment without a delivery. */
    const NO_DELIVERY_CLASS = 'EmptyDeliveryService';
    const PRODUCT_COLUMNS = [
        'ID', 'IBLOCK_ID', 'NAME', 'CODE', 'XML_ID', 'ACTIVE', 'TIMESTAMP_X', 'IBLOCK_SECTION_ID', 'SORT',
    ];

    private static $listening = false;
    private static $jobIsPlanned = false;

    /** The queue rows that this hit has created, by object: several saves in one hit are one event. */
    private static $rowsOfThisHit = [];

    // Handlers: record the event, never throw, never save anything of the shop

    /** Registers the handlers if the address and the token are set. */
    public static function listen(): void
    {
        if (self::$listening || self::setting('PYTHON_CRM_WEBHOOK_URL') === ''
            || self::setting('PYTHON_CRM_WEBHOOK_TOKEN') === '') {
            return;
        }
        try {
            $manager = EventManager::getInstance();
            $manager->addEventHandler('sale', 'OnSaleOrderSaved', [self::class, 'onOrderSaved']);
            $manager->addEventHandler('sale', 'OnSaleOrderDeleted', [self::class, 'onOrderDeleted']);
            // Events of the old kernel pass positional arguments.
            $manager->addEventHandlerCompatible('main', 'OnAfterUserUpdate', [self::class, 'onUserUpdated']);
            if (self::setting('PYTHON_CRM_PRODUCT_IBLOCKS') !== '') {
                foreach (['Add' => 'Added', 'Update' => 'Updated', 'Delete' => 'Deleted'] as $event => $done) {
                    $handler = [self::class, 'onProduct' . $done];
                    $manager->addEventHandlerCompatible('iblock', 'OnAfterIBlockElement' . $event, $handler);
                }
            }
            self::$listening = true;
            if (Option::get('main', self::INSTALLED_OPTION, '') !== self::VERSION) {
                // After the response, because CREATE TABLE would commit an open transaction of the page.
                self::afterTheResponse([self::class, 'install']);
            }
        } catch (\Throwable $error) {
            self::log('cannot listen: ' . $error->getMessage());
        }
    }

    public static function isListening(): bool
    {
        return self::$listening;
    }

    /** Handles sale:OnSaleOrderSaved. A save without changes is ignored. */
    public static function onOrderSaved($event): void
    {
        try {
            $isNew = (bool)$event->getParameter('IS_NEW');
            if ($isNew || $event->getParameter('IS_CHANGED') !== false) {
                $order = $event->getParameter('ENTITY');
                self::enqueue($isNew ? 'order.create' : 'order.update', (int)$order->getId());
            }
        } catch (\Throwable $error) {
            self::log('an order was not noted: ' . $error->getMessage());
        }
    }

    /** Handles sale:OnSaleOrderDeleted; VALUE tells whether the order was really deleted. */
    public static function onOrderDeleted($event): void
    {
        try {
            if ($event->getParameter('VALUE') !== false) {
                $order = $event->getParameter('ENTITY');
                // XML_ID is stored because the table no longer has it, and the CRM may not yet know the id of its own
                // order.
                self::enqueue('order.delete', (int)$order->getId(), (string)$order->getField('XML_ID'));
            }
        } catch (\Throwable $error) {
            self::log('a deleted order was not noted: ' . $error->getMessage());
        }
    }

    /** Handles main:OnAfterUserUpdate. */
    public static function onUserUpdated($fields): void
    {
        try {
            if (!empty($fields['ID']) && (!array_key_exists('RESULT', $fields) || $fields['RESULT'])) {
                self::enqueue('user.update', (int)$fields['ID']);
            }
        } catch (\Throwable $error) {
            self::log('a customer was not noted: ' . $error->getMessage());
        }
    }

    /** Handles iblock:OnAfterIBlockElementAdd. */
    public static function onProductAdded($fields): void
    {
        self::noteProduct('product.create', $fields);
    }

    /** Handles iblock:OnAfterIBlockElementUpdate. */
    public static function onProductUpdated($fields): void
    {
        self::noteProduct('product.update', $fields);
    }

    /** Handles iblock:OnAfterIBlockElementDelete. */
    public static function onProductDeleted($fields): void
    {
        self::noteProduct('product.delete', $fields);
    }

    private static function noteProduct(string $event, $fields): void
    {
        try {
            $wanted = array_map('trim', explode(',', self::setting('PYTHON_CRM_PRODUCT_IBLOCKS')));
            $isDone = !array_key_exists('RESULT', $fields) || $fields['RESULT'];
            if ($isDone && !empty($fields['ID']) && in_array((string)($fields['IBLOCK_ID'] ?? ''), $wanted, true)) {
                self::enqueue($event, (int)$fields['ID']);
            }
        } catch (\Throwable $error) {
            self::log('a product was not noted: ' . $error->getMessage());
        }
    }

    private static function enqueue(string $event, int $id, string $xmlId = ''): void
    {
        if ($id <= 0) {
            return;
        }
        try {
            self::writeRow($event, $id, $xmlId);
        } catch (\Bitrix\Main\DB\SqlException $error) {
            // This is the first event, or a restored backup has no table, or it is the table of an earlier version.
            self::install();
            self::writeRow($event, $id, $xmlId);
        }
        if (!self::$jobIsPlanned) {
            self::$jobIsPlanned = true;
            self::afterTheResponse([self::class, 'sendSoon']);
        }
    }

    private static function writeRow(string $event, int $id, string $xmlId): void
    {
        $connection = Application::getConnection();
        $xmlId = $connection->getSqlHelper()->forSql($xmlId, 255);
        $entity = strtok($event, '.');
        $object = $entity . ' ' . $id;
        $eventId = self::newEventId();
        if (isset(self::$rowsOfThisHit[$object])) {
            // A new id: if the row is being sent at this moment, the sent state is older than this save.
            $becomes = substr($event, -7) === '.delete' ? ", EVENT = '$event', XML_ID = '$xmlId'" : '';
            $connection->queryExecute(
                'UPDATE ' . self::TABLE . " SET EVENT_ID = '" . $eventId . "'" . $becomes
                . ' WHERE ID = ' . self::$rowsOfThisHit[$object] . " AND STATE = 'W'"
            );
            if ($connection->getAffectedRowsCount() > 0) {
                return;
            }
        }
        $now = time();
        $connection->queryExecute(
            'INSERT INTO ' . self::TABLE . ' (EVENT_ID, EVENT, ENTITY, ENTITY_ID, XML_ID, CREATED_AT, NEXT_TRY_AT)'
            . " VALUES ('$eventId', '$event', '$entity', $id, '$xmlId', $now, $now)"
        );
        self::$rowsOfThisHit[$object] = (int)$connection->getInsertedId();
    }

    /** Runs a job after the response; in a version of Bitrix without background jobs the agent does it. */
    private static function afterTheResponse(array $job): void
    {
        $application = Application::getInstance();
        if (method_exists($application, 'addBackgroundJob')) {
            $application->addBackgroundJob($job);
        } elseif ($job[1] === 'install') {
            self::install();
        }
    }

    // Sending

    /** Runs as the background job: sends at once, unless the CRM is known to be unavailable; then the agent does it. */
    public static function sendSoon(): void
    {
        try {
            $away = Application::getConnection()->queryScalar(
                'SELECT COUNT(*) FROM ' . self::TABLE
                . " WHERE STATE = 'W' AND LAST_CODE = 0 AND NEXT_TRY_AT > " . time()
            );
            if (!$away) {
                self::send(7, 5, 1);
            }
        } catch (\Throwable $error) {
            self::log('not sent: ' . $error->getMessage());
        }
    }

    /** Runs as the agent. On a visitor's hit it must be short; on cron it may take longer. */
    public static function runAgent(): void
    {
        try {
            // The usual cron script runs the agents before it defines BX_CRONTAB.
            $onCron = PHP_SAPI === 'cli' || (defined('BX_CRONTAB') && BX_CRONTAB === true);
            self::send($onCron ? 50 : 5, $onCron ? 15 : 5, 0);
        } catch (\Throwable $error) {
            self::log('not sent: ' . $error->getMessage());
        }
    }

    /**
     * Sends what is due, one object after the other, for about $seconds.
     *
     * A failure of one object does not delay the others; if the CRM is unavailable, the run ends.
     */
    private static function send(int $seconds, int $readSeconds, int $lockSeconds): void
    {
        $connection = Application::getConnection();
        if (!$connection->lock(self::SENDER_LOCK, $lockSeconds)) {
            return;
        }
        try {
            $until = microtime(true) + $seconds;
            do {
                $due = $connection->query(
                    'SELECT ENTITY, ENTITY_ID FROM ' . self::TABLE . " WHERE STATE = 'W' AND NEXT_TRY_AT <= " . time()
                    . ' ORDER BY NEXT_TRY_AT, ID LIMIT 1'
                )->fetch();
            } while (
                $due
                && self::sendObject((string)$due['ENTITY'], (int)$due['ENTITY_ID'], $readSeconds)
                && microtime(true) < $until
            );
        } finally {
            $connection->unlock(self::SENDER_LOCK);
        }
    }

    /** Sends an object's present state for all its pending events. Returns false if the CRM is unavailable. */
    private static function sendObject(string $entity, int $id, int $readSeconds): bool
    {
        $connection = Application::getConnection();
        // First the rows, then the state: a later save changes the EVENT_ID of its row.
        $rows = $connection->query(
            'SELECT ID, EVENT_ID, EVENT, XML_ID, ATTEMPTS, REFUSALS FROM ' . self::TABLE
            . " WHERE ENTITY = '" . $entity . "' AND ENTITY_ID = " . $id . " AND STATE = 'W' ORDER BY ID"
        )->fetchAll();
        if (!$rows) {
            return true;
        }
        $newest = end($rows);
        $event = (string)$newest['EVENT'];
        if (substr($event, -7) === '.update' && in_array($entity . '.create', array_column($rows, 'EVENT'), true)) {
            $event = $entity . '.create';
        }
        $attempts = max(array_map('intval', array_column($rows, 'ATTEMPTS')));
        $refusals = (int)$newest['REFUSALS'];
        $delay = self::RETRY_DELAYS[min($attempts, count(self::RETRY_DELAYS) - 1)];
        // Before the call, so that a process that dies counts as an attempt.
        self::updateRows($rows, 'ATTEMPTS = ATTEMPTS + 1, NEXT_TRY_AT = ' . (time() + $delay));

        $data = self::dataOf($event, $id, (string)$newest['XML_ID']);
        if ($data === []) {
            self::deleteRows($rows);
            return true;
        }
        $answer = $data === null
            ? ['code' => -1, 'text' => 'it is not in the database of the site', 'success' => false, 'retry_delay' => 0]
            : self::post($event, (string)$newest['EVENT_ID'], $data, $readSeconds);
        if ($answer['success']) {
            self::deleteRows($rows);
            // Events that were put aside earlier: this one has delivered their changes too.
            $connection->queryExecute(
                'DELETE FROM ' . self::TABLE . " WHERE ENTITY = '" . $entity . "' AND ENTITY_ID = " . $id
                . " AND STATE = 'F' AND ID < " . (int)$newest['ID']
            );
            return true;
        }

        $code = $answer['code'];
        $isRefusal = $code === -1 || ($code >= 400 && $code < 500 && !in_array($code, self::TEMPORARY, true));
        $text = $connection->getSqlHelper()->forSql(self::cut($answer['text'], 500), 500);
        $set = 'LAST_CODE = ' . $code . ", LAST_ANSWER = '" . $text . "'";
        if ($isRefusal) {
            $set .= ', REFUSALS = ' . ($refusals + 1);
            $set .= $refusals + 1 >= self::MAX_REFUSALS ? ", STATE = 'F'" : '';
        }
        if ($answer['retry_delay'] > 0) {
            $set .= ', NEXT_TRY_AT = ' . (time() + $answer['retry_delay']);
        }
        self::updateRows($rows, $set);
        $short = self::cut($answer['text'], 150);
        self::log($event . ' ' . $id . ', try ' . ($attempts + 1) . ': ' . $code . ' ' . $short);
        return !in_array($code, [0, 401, 429, 503], true);
    }

    /** Updates only rows that have not changed since they were read: a changed row has a newer state to send. */
    private static function updateRows(array $rows, string $set): void
    {
        foreach ($rows as $row) {
            Application::getConnection()->queryExecute('UPDATE ' . self::TABLE . ' SET ' . $set . self::same($row));
        }
    }

    private static function deleteRows(array $rows): void
    {
        foreach ($rows as $row) {
            Application::getConnection()->queryExecute('DELETE FROM ' . self::TABLE . self::same($row));
        }
    }

    private static function same(array $row): string
    {
        $eventId = Application::getConnection()->getSqlHelper()->forSql((string)$row['EVENT_ID']);
        return ' WHERE ID = ' . (int)$row['ID'] . " AND EVENT_ID = '" . $eventId . "'";
    }

    /** Returns code (0: no answer), text, success, and the seconds that the CRM asks to wait. */
    private static function post(string $event, string $eventId, array $data, int $readSeconds): array
    {
        $url = self::setting('PYTHON_CRM_WEBHOOK_URL');
        if (strpos($event, 'product.') === 0) {
            $url = preg_replace('~/order(/?)$~', '/product$1', $url);
        }
        // Bitrix follows a redirect with GET, and the event would be lost.
        $client = new HttpClient([
            'redirect' => false,
            'redirectMax' => 0,
            'socketTimeout' => self::CONNECT_SECONDS,
            'streamTimeout' => $readSeconds,
        ]);
        $client->setHeader('Content-Type', 'application/json');
        $client->setHeader('Accept', 'application/json');
        $client->setHeader('Authorization', 'Bearer ' . self::setting('PYTHON_CRM_WEBHOOK_TOKEN'));
        $body = $client->post($url, self::encode(['event' => $event, 'event_id' => $eventId, 'data' => $data]));
        $code = (int)$client->getStatus();
        if ($body === false || $code === 0) {
            $text = implode('; ', array_map('strval', (array)$client->getError()));
            return ['code' => 0, 'text' => $text, 'success' => false, 'retry_delay' => 0];
        }
        $answer = json_decode((string)$body, true);
        $delay = (int)$client->getHeaders()->get('Retry-After');
        return [
            'code' => $code,
            'text' => (string)$body,
            'success' => $code === 200 && is_array($answer) && ($answer['status'] ?? null) === 'success',
            'retry_delay' => min(max($delay, 0), 3600),
        ];
    }

    // The data of events, read from the tables as the CRM's import reads them, so that no code of the shop runs

    /** Returns the event's data; null if the object does not exist, [] if it does not concern the CRM. */
    private static function dataOf(string $event, int $id, string $xmlId): ?array
    {
        $sources = ['order' => 'OnSaleOrderSaved', 'user' => 'OnAfterUserUpdate', 'product' => 'OnAfterIBlockElement'];
        $entity = strtok($event, '.');
        if (substr($event, -7) === '.delete') {
            $data = ['ID' => (string)$id] + ($xmlId === '' ? [] : ['XML_ID' => $xmlId]);
            $source = $entity === 'order' ? 'OnSaleOrderDeleted' : 'OnAfterIBlockElementDelete';
        } else {
            $source = $sources[$entity];
            if ($entity === 'order') {
                // An archived order is no longer in the table, and the CRM needs no event about it.
                $data = self::orderData($id) ?? (self::isArchived($id) ? [] : null);
            } else {
                $data = $entity === 'user' ? self::customerData($id) : self::productData($id);
            }
        }
        return $data ? $data + ['webhook_timestamp' => round(microtime(true), 3), 'webhook_source' => $source] : $data;
    }

    /**
     * Returns a whole order: columns of b_sale_order, `properties`, `basket`, `payments`, `user`, `checksum`; or null.
     */
    public static function orderData(int $id): ?array
    {
        $row = Application::getConnection()->query('SELECT * FROM b_sale_order WHERE ID = ' . $id)->fetch();
        if (!$row) {
            return null;
        }
        $parts = self::partsOf([$id])[$id];
        $order = self::values(array_diff_key($row, self::HIDDEN_COLUMNS));
        if ($order['DELIVERY_ID'] !== null && in_array((int)$order['DELIVERY_ID'], self::withoutDelivery(), true)) {
            $order['DELIVERY_ID'] = null;
        }
        $order['properties'] = (object)$parts['properties'];
        $order['basket'] = self::only(self::BASKET_COLUMNS, $parts['basket']);
        $order['payments'] = self::only(self::PAYMENT_COLUMNS, $parts['payments']);
        $order['user'] = self::userData((int)$row['USER_ID']);
        $order['checksum'] = self::checksum($parts);
        return $order;
    }

    private static function isArchived(int $id): bool
    {
        return (bool)Application::getConnection()->queryScalar(
            'SELECT COUNT(*) FROM b_sale_order_archive WHERE ORDER_ID = ' . $id
        );
    }

    /** Returns the checksums of orders by id: they show changes that move neither VERSION nor DATE_UPDATE. */
    public static function checksums(array $ids): array
    {
        return array_map([self::class, 'checksum'], self::partsOf($ids));
    }

    /** Returns properties, lines and payments of orders by id, in three queries. */
    private static function partsOf(array $ids): array
    {
        if (!$ids) {
            return [];
        }
        $connection = Application::getConnection();
        $parts = array_fill_keys($ids, ['properties' => [], 'basket' => [], 'payments' => []]);
        $where = ' IN (' . implode(', ', array_map('intval', $ids)) . ')';
        foreach (self::propertiesOf($where) as $orderId => $properties) {
            $parts[$orderId]['properties'] = $properties;
        }
        $tables = ['basket' => ['b_sale_basket', 'SORT, ID'], 'payments' => ['b_sale_order_payment', 'ID']];
        foreach ($tables as $name => list($table, $sorted)) {
            $rows = $connection->query("SELECT * FROM $table WHERE ORDER_ID$where ORDER BY ORDER_ID, $sorted");
            while ($row = $rows->fetch()) {
                $parts[(int)$row['ORDER_ID']][$name][] = self::values($row);
            }
        }
        return $parts;
    }

    private static function checksum(array $parts): string
    {
        ksort($parts['properties']);
        $checked = [
            $parts['properties'],
            self::only(self::CHECKED_BASKET_COLUMNS, $parts['basket']),
            self::only(self::CHECKED_PAYMENT_COLUMNS, $parts['payments']),
        ];
        return md5(self::encode($checked));
    }

    private static function only(array $columns, array $rows): array
    {
        return array_map(function (array $row) use ($columns): array {
            return array_intersect_key($row, array_flip($columns));
        }, $rows);
    }

    /** Returns properties by code, by order: `$where` is the condition on ORDER_ID. */
    private static function propertiesOf(string $where): array
    {
        // All columns: ENTITY_TYPE exists only since sale 21, so naming it would fail on older sites.
        $rows = Application::getConnection()->query(
            'SELECT v.*, p.CODE AS PROPERTY_CODE, p.MULTIPLE AS IS_MULTIPLE FROM b_sale_order_props_value v'
            . ' LEFT JOIN b_sale_order_props p ON p.ID = v.ORDER_PROPS_ID'
            . ' WHERE v.ORDER_ID' . $where . ' ORDER BY v.ID'
        );
        $properties = [];
        while ($row = $rows->fetch()) {
            if (isset($row['ENTITY_TYPE']) && $row['ENTITY_TYPE'] !== 'ORDER') {
                continue;
            }
            $code = (string)($row['PROPERTY_CODE'] ?: $row['CODE']);
            $value = (string)$row['VALUE'];
            if ($row['IS_MULTIPLE'] === 'Y') {
                $list = @unserialize($value, ['allowed_classes' => false]);
                $value = is_array($list) ? array_map('strval', array_values(array_filter($list, 'is_scalar'))) : $value;
            }
            $properties[(int)$row['ORDER_ID']][$code !== '' ? $code : 'PROPERTY_' . $row['ORDER_PROPS_ID']] = $value;
        }
        return $properties;
    }

    /** Returns the ids of the services that mean "without delivery". */
    private static function withoutDelivery(): array
    {
        $rows = Application::getConnection()->query(
            "SELECT ID FROM b_sale_delivery_srv WHERE CLASS_NAME LIKE '%" . self::NO_DELIVERY_CLASS . "%'"
        )->fetchAll();
        return array_map('intval', array_column($rows, 'ID'));
    }

    /** Returns a user without secrets; null if there is none. */
    private static function userData(int $id): ?array
    {
        $connection = Application::getConnection();
        $row = $connection->query('SELECT * FROM b_user WHERE ID = ' . $id)->fetch();
        if (!$row) {
            return null;
        }
        $user = self::values(array_intersect_key($row, array_flip(self::USER_COLUMNS)));
        $phone = $connection->query('SELECT PHONE_NUMBER FROM b_user_phone_auth WHERE USER_ID = ' . $id)->fetch();
        if ($phone) {
            $user['PHONE_NUMBER'] = (string)$phone['PHONE_NUMBER'];
        }
        return $user;
    }

    /** Returns a customer; a user without orders, such as an editor of the site, does not concern the CRM. */
    private static function customerData(int $id): array
    {
        $orders = 'SELECT ID FROM b_sale_order WHERE USER_ID = ' . $id . ' LIMIT 1';
        return Application::getConnection()->query($orders)->fetch() ? (self::userData($id) ?: []) : [];
    }

    private static function productData(int $id): ?array
    {
        $connection = Application::getConnection();
        $row = $connection->query('SELECT * FROM b_iblock_element WHERE ID = ' . $id)->fetch();
        // An unfinished draft of the workflow is not published yet.
        if (!$row || !empty($row['WF_PARENT_ELEMENT_ID'])) {
            return $row ? [] : null;
        }
        $product = self::values(array_intersect_key($row, array_flip(self::PRODUCT_COLUMNS)));
        foreach (['DETAIL_PICTURE', 'PREVIEW_PICTURE'] as $picture) {
            if (!empty($row[$picture])) {
                $product[$picture] = (string)\CFile::GetPath((int)$row[$picture]);
            }
        }
        $properties = [];
        $found = \CIBlockElement::GetProperty((int)$row['IBLOCK_ID'], $id, [], []);
        while ($property = $found->Fetch()) {
            $value = is_scalar($property['VALUE']) ? (string)$property['VALUE'] : '';
            if ((string)$property['CODE'] === '') {
                continue;
            }
            if ($property['MULTIPLE'] === 'Y') {
                $properties[$property['CODE']][] = $value;
            } else {
                $properties[$property['CODE']] = $value;
            }
        }
        $product['PROPERTIES'] = (object)$properties;
        $product['PRICES'] = [];
        $prices = $connection->query(
            'SELECT CATALOG_GROUP_ID, PRICE, CURRENCY FROM b_catalog_price WHERE PRODUCT_ID = ' . $id
            . ' AND (QUANTITY_FROM IS NULL OR QUANTITY_FROM <= 1) ORDER BY CATALOG_GROUP_ID'
        );
        while ($price = $prices->fetch()) {
            $product['PRICES'][] = self::values($price);
        }
        $stock = $connection->query('SELECT QUANTITY FROM b_catalog_product WHERE ID = ' . $id)->fetch();
        if ($stock) {
            $product['QUANTITY'] = self::value($stock['QUANTITY'], '');
        }
        return $product;
    }

    private static function values(array $row): array
    {
        foreach ($row as $column => $value) {
            $row[$column] = self::value($value, (string)$column);
        }
        return $row;
    }

    /**
     * Returns numbers as decimal strings, and dates with their offset: json_encode makes {} of Bitrix's date objects.
     */
    private static function value($value, string $column)
    {
        if ($value instanceof \Bitrix\Main\Type\DateTime || $value instanceof \DateTimeInterface) {
            return $value->format('Y-m-d\TH:i:sP');
        }
        if ($value instanceof \Bitrix\Main\Type\Date) {
            return $value->format('Y-m-d');
        }
        if (is_float($value)) {
            return number_format($value, 4, '.', '');
        }
        if (is_bool($value)) {
            return $value ? 'Y' : 'N';
        }
        if (is_string($value) && (strpos($column, 'DATE_') === 0 || $column === 'TIMESTAMP_X')) {
            if (strpos($value, '0000-00-00') === 0) {
                return null;
            }
            if (preg_match('/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d/', $value)) {
                return (new \DateTime($value))->format('Y-m-d\TH:i:sP');
            }
        }
        return $value === null ? null : (string)$value;
    }

    /** Returns JSON even if the texts are not valid UTF-8. */
    public static function encode(array $value): string
    {
        $flags = JSON_UNESCAPED_UNICODE | JSON_UNESCAPED_SLASHES | JSON_INVALID_UTF8_SUBSTITUTE
            | JSON_PARTIAL_OUTPUT_ON_ERROR | JSON_PRESERVE_ZERO_FRACTION;
        return (string)json_encode($value, $flags);
    }

    // Installation and maintenance

    /** Creates the table and the agent; may be called any number of times, also by two hits at once. */
    public static function install(): void
    {
        $connection = Application::getConnection();
        $connection->queryExecute(
            'CREATE TABLE IF NOT EXISTS ' . self::TABLE . ' ('
            . 'ID INT NOT NULL AUTO_INCREMENT, '
            . 'EVENT_ID CHAR(36) NOT NULL, '
            . 'EVENT VARCHAR(30) NOT NULL, '
            . 'ENTITY VARCHAR(20) NOT NULL, '
            . 'ENTITY_ID INT NOT NULL, '
            . 'XML_ID VARCHAR(255) NULL, '
            . "STATE CHAR(1) NOT NULL DEFAULT 'W', "
            . 'CREATED_AT INT NOT NULL, '
            . 'NEXT_TRY_AT INT NOT NULL, '
            . 'ATTEMPTS INT NOT NULL DEFAULT 0, '
            . 'REFUSALS INT NOT NULL DEFAULT 0, '
            . 'LAST_CODE INT NULL, '
            . 'LAST_ANSWER VARCHAR(500) NULL, '
            . 'PRIMARY KEY (ID), '
            . 'KEY IX_CVETY_CRM_DUE (STATE, NEXT_TRY_AT), '
            . 'KEY IX_CVETY_CRM_OBJECT (ENTITY, ENTITY_ID)'
            . ') ENGINE=InnoDB DEFAULT CHARSET=utf8mb4'
        );
        if ($connection->lock('cvety_crm_install', 5)) {
            try {
                if (!array_key_exists('XML_ID', $connection->getTableFields(self::TABLE))) {
                    // The table may be that of version 1.0.
                    $connection->queryExecute('ALTER TABLE ' . self::TABLE . ' ADD COLUMN XML_ID VARCHAR(255) NULL');
                }
                $agent = self::agent();
                if ($agent && $agent['ACTIVE'] !== 'Y') {
                    \CAgent::RemoveAgent(self::AGENT, 'main');
                    $agent = null;
                }
                if (!$agent) {
                    \CAgent::AddAgent(self::AGENT, 'main', 'N', 60);
                }
            } finally {
                $connection->unlock('cvety_crm_install');
            }
            Option::set('main', self::INSTALLED_OPTION, self::VERSION);
        }
    }

    /** Returns the id of a deleted order with this XML_ID whose webhook is still pending; 0 if there is none. */
    public static function waitingDeletion(string $xmlId): int
    {
        if (!self::$listening) {
            return 0;
        }
        $connection = Application::getConnection();
        $sql = 'SELECT ENTITY_ID FROM ' . self::TABLE . " WHERE EVENT = 'order.delete' AND XML_ID = '"
            . $connection->getSqlHelper()->forSql($xmlId) . "' ORDER BY ID DESC";
        // queryScalar() itself adds a LIMIT.
        try {
            return (int)$connection->queryScalar($sql);
        } catch (\Bitrix\Main\DB\SqlException $error) {
            self::install();
            return (int)$connection->queryScalar($sql);
        }
    }

    /** Removes everything that this file has created on the site, except the line in init.php. */
    public static function uninstall(): void
    {
        \CAgent::RemoveAgent(self::AGENT, 'main');
        foreach ([self::TABLE, 'cvety_crm_done'] as $table) {
            Application::getConnection()->queryExecute('DROP TABLE IF EXISTS ' . $table);
        }
        Option::delete('main', ['name' => self::INSTALLED_OPTION]);
    }

    /** Queues the events that were put aside, after their cause is fixed. Returns the number of rows. */
    public static function retryFailed(): int
    {
        $connection = Application::getConnection();
        $connection->queryExecute(
            'UPDATE ' . self::TABLE . " SET STATE = 'W', REFUSALS = 0, NEXT_TRY_AT = " . time() . " WHERE STATE = 'F'"
        );
        return $connection->getAffectedRowsCount();
    }

    /** Returns the part of ping about the handlers and the queue. Restores a table or an agent that was deleted. */
    public static function status(): array
    {
        $status = [
            'webhook_installed' => self::$listening,
            'queue_length' => 0,
            'queue_age_seconds' => 0,
            'queue_failed' => 0,
            'last_error' => null,
            'agent_installed' => false,
            'agent_last_run' => null,
        ];
        if (!self::$listening) {
            return $status;
        }
        self::install();
        $connection = Application::getConnection();
        $counts = $connection->query(
            "SELECT SUM(CASE WHEN STATE = 'W' THEN 1 ELSE 0 END) AS WAITING,"
            . " SUM(CASE WHEN STATE = 'F' THEN 1 ELSE 0 END) AS FAILED,"
            . " MIN(CASE WHEN STATE = 'W' THEN CREATED_AT END) AS OLDEST FROM " . self::TABLE
        )->fetch();
        $status['queue_length'] = (int)$counts['WAITING'];
        $status['queue_failed'] = (int)$counts['FAILED'];
        $status['queue_age_seconds'] = $counts['OLDEST'] ? max(time() - (int)$counts['OLDEST'], 0) : 0;
        $last = $connection->query(
            'SELECT EVENT, ENTITY_ID, LAST_CODE, LAST_ANSWER FROM ' . self::TABLE
            . ' WHERE LAST_CODE IS NOT NULL ORDER BY STATE, ID DESC LIMIT 1'
        )->fetch();
        if ($last) {
            $status['last_error'] = $last['EVENT'] . ' ' . $last['ENTITY_ID'] . ': '
                . ($last['LAST_CODE'] > 0 ? 'HTTP ' . $last['LAST_CODE'] . ' ' : '') . $last['LAST_ANSWER'];
        }
        $agent = self::agent();
        $status['agent_installed'] = $agent !== null;
        // As unix seconds, because the database's time zone may differ from PHP's.
        $status['agent_last_run'] = $agent && $agent['LAST_RUN'] !== null ? date('c', (int)$agent['LAST_RUN']) : null;
        return $status;
    }

    private static function agent(): ?array
    {
        $name = Application::getConnection()->getSqlHelper()->forSql(self::AGENT);
        $sql = 'SELECT ID, ACTIVE, UNIX_TIMESTAMP(LAST_EXEC) AS LAST_RUN FROM b_agent'
            . " WHERE NAME = '" . $name . "' ORDER BY ID LIMIT 1";
        return Application::getConnection()->query($sql)->fetch() ?: null;
    }

    private static function setting(string $name): string
    {
        return defined($name) ? trim((string)constant($name)) : '';
    }

    /** Returns a random UUID (RFC 4122). */
    private static function newEventId(): string
    {
        $bytes = random_bytes(16);
        $bytes[6] = chr((ord($bytes[6]) & 0x0f) | 0x40);
        $bytes[8] = chr((ord($bytes[8]) & 0x3f) | 0x80);
        return vsprintf('%s%s-%s-%s-%s-%s%s%s', str_split(bin2hex($bytes), 4));
    }

    private static function cut(string $text, int $length): string
    {
        $text = mb_substr(mb_scrub($text, 'UTF-8'), 0, $length, 'UTF-8');
        // Many sites use MySQL's three-byte utf8, which refuses an emoji.
        return (string)preg_replace('/[\x{10000}-\x{10FFFF}]/u', '?', $text);
    }

    /** Writes to Bitrix's log (LOG_FILENAME) if it is set, else to that of PHP: never a token or personal data. */
    private static function log(string $text): void
    {
        if (defined('LOG_FILENAME') && function_exists('AddMessage2Log')) {
            AddMessage2Log($text, 'cvety.crm', 0);
        } else {
            error_log('crm-webhook: ' . $text);
        }
    }
}

/** The agent. It returns its own call, because Bitrix deletes an agent that does not. */
function CvetyCrmWebhookAgent()
{
    CvetyCrmWebhook::runAgent();
    return CvetyCrmWebhook::AGENT;
}

// The bridge uses the code that reads orders, also on a site that sends no webhooks.
if (!defined('CVETY_CRM_ONLY_READ')) {
    CvetyCrmWebhook::listen();
}
