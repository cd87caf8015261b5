<?php
/**
 * Send webhooks about orders, customers and products of this site to Cvety CRM.
 *
 * One line of local/php_interface/init.php includes this file. README.md describes the steps. A handler only records in
 * a table of this file that an object has changed. The CRM receives the state that the object has when the webhook is
 * sent. A background job sends the webhook right after the response. If this fails, an agent repeats it with growing
 * retry delays, until the CRM has answered with HTTP 200 and {"status": "success"}.
 *
 * PHP 7.4 to 8.3, Bitrix main and sale from 20.0.
 */

use Bitrix\Main\Application;
use Bitrix\Main\Config\Option;
use Bitrix\Main\EventManager;
use Bitrix\Main\Loader;
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

    /** The seconds between the attempts for one object. The last delay is repeated without end. */
    const RETRY_DELAYS = [30, 60, 300, 900, 3600];

    /** The number of refusals by the CRM after which an event is put aside. `ping` reports such events. */
    const MAX_REFUSALS = 3;

    /** HTTP statuses that concern the connection, the token or the address, not the event. The event is sent again. */
    const TEMPORARY = [401, 403, 404, 405, 408, 425, 429];

    const INSTALLED_OPTION = 'cvety_crm_webhook_installed';
    const SENDER_LOCK = 'cvety_crm_sender';
    const CONNECT_SECONDS = 2;

    /** Columns that the CRM does not need, or that are confidential. */
    const HIDDEN_COLUMNS = ['SEARCH_CONTENT' => 1, 'RUNNING' => 1, 'BX_USER_ID' => 1, 'STAT_GID' => 1];
    const USER_COLUMNS = [
        'ID', 'ACTIVE', 'LOGIN', 'NAME', 'LAST_NAME', 'SECOND_NAME', 'EMAIL', 'PERSONAL_PHONE', 'PERSONAL_MOBILE',
        'DATE_REGISTER', 'TIMESTAMP_X', 'XML_ID', 'EXTERNAL_AUTH_ID',
    ];
    const BASKET_COLUMNS = [
        'ID', 'PRODUCT_ID', 'NAME', 'PRICE', 'BASE_PRICE', 'DISCOUNT_PRICE', 'QUANTITY', 'CURRENCY', 'PRODUCT_XML_ID',
        'CUSTOM_PRICE', 'MEASURE_NAME', 'TYPE', 'SET_PARENT_ID', 'DETAIL_PAGE_URL', 'DELAY', 'CAN_BUY',
    ];
    const PAYMENT_COLUMNS = [
        'ID', 'PAY_SYSTEM_ID', 'PAY_SYSTEM_NAME', 'SUM', 'CURRENCY', 'PAID', 'DATE_PAID', 'IS_RETURN',
    ];

    /** The checksum of an order includes these columns and the properties. Raw SQL changes them without an event. */
    const CHECKED_BASKET_COLUMNS = ['ID', 'PRODUCT_ID', 'NAME', 'PRICE', 'BASE_PRICE', 'QUANTITY'];
    const CHECKED_PAYMENT_COLUMNS = ['ID', 'PAY_SYSTEM_ID', 'SUM', 'PAID'];

    /** The delivery service that Bitrix sets for a shipment without a delivery. */
    const NO_DELIVERY_CLASS = 'EmptyDeliveryService';
    const PRODUCT_COLUMNS = [
        'ID', 'IBLOCK_ID', 'NAME', 'CODE', 'XML_ID', 'ACTIVE', 'TIMESTAMP_X', 'IBLOCK_SECTION_ID', 'SORT',
    ];

    /** The property of an offer with the id of its product, and the property with the small picture of a product. */
    const PARENT_PROPERTY = 'CML2_LINK';
    const MINIATURE_PROPERTY = 'ru_img_miniature';

    private static $listening = false;
    private static $jobIsPlanned = false;

    /** Object -> the queue row that this hit has created. Several saves in one hit are one event. */
    private static $rowsOfThisHit = [];

    // The handlers record the event. They never throw an exception and never save data of the shop.

    /** Register the handlers if the address and the token are set. */
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
            // Events of the old kernel have positional arguments.
            $manager->addEventHandlerCompatible('main', 'OnAfterUserUpdate', [self::class, 'onUserUpdated']);
            if (self::setting('PYTHON_CRM_PRODUCT_IBLOCKS') !== '') {
                foreach (['Add' => 'Added', 'Update' => 'Updated', 'Delete' => 'Deleted'] as $event => $done) {
                    $handler = [self::class, 'onProduct' . $done];
                    $manager->addEventHandlerCompatible('iblock', 'OnAfterIBlockElement' . $event, $handler);
                }
            }
            self::$listening = true;
            if (Option::get('main', self::INSTALLED_OPTION, '') !== self::VERSION) {
                // The job runs after the response, because CREATE TABLE would commit an open transaction of the page.
                self::afterTheResponse([self::class, 'installOrLog']);
            }
        } catch (\Throwable $error) {
            self::log('cannot listen: ' . $error->getMessage());
        }
    }

    public static function isListening(): bool
    {
        return self::$listening;
    }

    /** Handle sale:OnSaleOrderSaved. Ignore a save without changes. */
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

    /** Handle sale:OnSaleOrderDeleted. VALUE is true if the order was really deleted. */
    public static function onOrderDeleted($event): void
    {
        try {
            if ($event->getParameter('VALUE') !== false) {
                $order = $event->getParameter('ENTITY');
                // XML_ID is stored because b_sale_order no longer contains it, and the CRM may not yet know the site's
                // id of an order made in the CRM.
                self::enqueue('order.delete', (int)$order->getId(), (string)$order->getField('XML_ID'));
            }
        } catch (\Throwable $error) {
            self::log('a deleted order was not noted: ' . $error->getMessage());
        }
    }

    /** Handle main:OnAfterUserUpdate. */
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

    /** Handle iblock:OnAfterIBlockElementAdd. */
    public static function onProductAdded($fields): void
    {
        self::noteProduct('product.create', $fields);
    }

    /** Handle iblock:OnAfterIBlockElementUpdate. */
    public static function onProductUpdated($fields): void
    {
        self::noteProduct('product.update', $fields);
    }

    /** Handle iblock:OnAfterIBlockElementDelete. */
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
            // This is the first event, or a restored backup has no table, or the table is from an earlier version.
            self::installOrLog();
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
            // The row gets a new id, because a state that is being sent at the same time is older than this save.
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

    /** Run a job after the response. In a version of Bitrix without background jobs, the agent sends the events. */
    private static function afterTheResponse(array $job): void
    {
        $application = Application::getInstance();
        if (method_exists($application, 'addBackgroundJob')) {
            $application->addBackgroundJob($job);
        } elseif ($job[1] === 'installOrLog') {
            self::installOrLog();
        }
    }

    // Sending

    /** Send the events in the background job. If the CRM is known to be unavailable, leave the events to the agent. */
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

    /** Send the events in the agent. The agent must be short on a visitor's hit and may take longer on cron. */
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
     * Send the events that are due, one object after the other, for about $seconds.
     *
     * A failure of one object does not delay the other objects. If the CRM is unavailable, the run ends.
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

    /** Send the current state of an object for all its pending events. Return false if the CRM is unavailable. */
    private static function sendObject(string $entity, int $id, int $readSeconds): bool
    {
        $connection = Application::getConnection();
        // The rows are read before the state, because a later save changes the EVENT_ID of its row.
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
        // The attempt is counted before the request, so that it counts even if the process is killed.
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
            // This event has also delivered the changes of earlier events that were put aside.
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

    /** Update only rows that have not changed since they were read. For a changed row, a newer state must be sent. */
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

    /** Return the HTTP status (0 without a response), the text, the success, and the delay that the CRM requests. */
    private static function post(string $event, string $eventId, array $data, int $readSeconds): array
    {
        $url = self::setting('PYTHON_CRM_WEBHOOK_URL');
        if (strpos($event, 'product.') === 0) {
            $url = preg_replace('~/order(/?)$~', '/product$1', $url);
        }
        // Bitrix would send a GET request after a redirect, and the event would be lost.
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

    // The data of events is read from the tables, as by the CRM's import, so that no code of the shop runs.

    /** Return the event's data, null if the object does not exist, or [] if it does not concern the CRM. */
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
     * Return a whole order (columns of b_sale_order, `properties`, `basket`, `payments`, `user`, `checksum`) or null.
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
        $order += self::propertyNames($id);
        $basket = self::only(self::BASKET_COLUMNS, $parts['basket']);
        $order['basket'] = self::withPictures(self::withProperties($basket));
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

    /** Return the checksums of orders by id. They show changes that do not change VERSION and DATE_UPDATE. */
    public static function checksums(array $ids): array
    {
        return array_map([self::class, 'checksum'], self::partsOf($ids));
    }

    /** Return the properties, items and payments of orders by id, with three queries. */
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

    /** Return the properties of an order by their codes, as the database has stored them. */
    public static function properties(int $orderId): array
    {
        return self::propertiesOf(' = ' . $orderId)[$orderId] ?? [];
    }

    /** Return order id -> code -> property. `$where` is the condition on ORDER_ID. */
    private static function propertiesOf(string $where): array
    {
        // All columns are selected, because ENTITY_TYPE exists only since sale 21 and naming it would fail before.
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

    /** Return the names of the order's properties, and of the values that were chosen from the lists of properties. */
    private static function propertyNames(int $orderId): array
    {
        // All columns are selected for the same reason as in propertiesOf().
        $rows = Application::getConnection()->query(
            'SELECT v.*, p.CODE AS PROPERTY_CODE, p.NAME AS PROPERTY_NAME, p.TYPE AS PROPERTY_TYPE,'
            . ' o.NAME AS CHOICE_NAME'
            . ' FROM b_sale_order_props_value v INNER JOIN b_sale_order_props p ON p.ID = v.ORDER_PROPS_ID'
            . ' LEFT JOIN b_sale_order_props_variant o ON o.ORDER_PROPS_ID = p.ID AND o.VALUE = v.VALUE'
            . ' WHERE v.ORDER_ID = ' . $orderId . " AND v.VALUE <> '' ORDER BY v.ID"
        );
        $names = $choices = [];
        while ($row = $rows->fetch()) {
            if (isset($row['ENTITY_TYPE']) && $row['ENTITY_TYPE'] !== 'ORDER') {
                continue;
            }
            $code = (string)($row['PROPERTY_CODE'] ?: $row['CODE']) ?: 'PROPERTY_' . $row['ORDER_PROPS_ID'];
            $names[$code] = (string)$row['PROPERTY_NAME'];
            $name = (string)$row['CHOICE_NAME'];
            if ($row['PROPERTY_TYPE'] === 'LOCATION') {
                $name = self::locationName((string)$row['VALUE']);
            }
            if ($name !== '') {
                $choices[$code] = (object)[(string)$row['VALUE'] => $name];
            }
        }
        return ['property_labels' => (object)$names, 'property_choices' => (object)$choices];
    }

    /** Return the names of a location and of the larger places that contain it, or '' for an unknown location. */
    private static function locationName(string $value): string
    {
        $connection = Application::getConnection();
        if (!$connection->isTableExists('b_sale_location') || !$connection->isTableExists('b_sale_loc_name')) {
            return '';
        }
        // Old versions of Bitrix stored the id. A code can look like an id, so the code is searched for first.
        $conditions = ["l.CODE = '" . $connection->getSqlHelper()->forSql($value) . "'"];
        if (ctype_digit($value) && strlen($value) < 10) {
            $conditions[] = 'l.ID = ' . (int)$value;
        }
        foreach ($conditions as $condition) {
            $rows = $connection->query(
                'SELECT n.NAME FROM b_sale_location l INNER JOIN b_sale_location p ON p.ID = l.ID'
                . ' OR (p.LEFT_MARGIN < l.LEFT_MARGIN AND p.RIGHT_MARGIN > l.RIGHT_MARGIN)'
                . " INNER JOIN b_sale_loc_name n ON n.LOCATION_ID = p.ID AND n.LANGUAGE_ID = 'ru'"
                . ' WHERE ' . $condition . ' ORDER BY p.DEPTH_LEVEL, n.ID'
            );
            $names = [];
            while ($row = $rows->fetch()) {
                $names[] = trim((string)$row['NAME']);
            }
            if (array_filter($names)) {
                return implode(', ', array_filter($names));
            }
        }
        return '';
    }

    /** Add `PROPS` to the items that have properties, such as a size or a colour. */
    private static function withProperties(array $basket): array
    {
        $ids = array_map('intval', array_column($basket, 'ID'));
        if (!$ids) {
            return $basket;
        }
        $properties = [];
        $rows = Application::getConnection()->query(
            'SELECT BASKET_ID, NAME, CODE, VALUE FROM b_sale_basket_props WHERE BASKET_ID IN (' . implode(', ', $ids)
            . ') ORDER BY SORT, ID'
        );
        while ($row = $rows->fetch()) {
            $found = array_map('strval', array_intersect_key($row, ['NAME' => 1, 'CODE' => 1, 'VALUE' => 1]));
            $properties[(int)$row['BASKET_ID']][] = $found;
        }
        return array_map(function (array $line) use ($properties): array {
            $found = $properties[(int)$line['ID']] ?? [];
            return $found ? $line + ['PROPS' => $found] : $line;
        }, $basket);
    }

    /** Return the ids of the delivery services that mean "without delivery". */
    private static function withoutDelivery(): array
    {
        $rows = Application::getConnection()->query(
            "SELECT ID FROM b_sale_delivery_srv WHERE CLASS_NAME LIKE '%" . self::NO_DELIVERY_CLASS . "%'"
        )->fetchAll();
        return array_map('intval', array_column($rows, 'ID'));
    }

    /** Return a user without secrets, or null if the user does not exist. */
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
        // Bitrix books the orders of all guests under one account, whose id is an option of the module.
        $isGuests = (string)$row['EXTERNAL_AUTH_ID'] === 'saleanonymous'
            || (int)Option::get('sale', 'anonymous_user_id', '0') === $id;
        $user['IS_GUEST_ACCOUNT'] = $isGuests ? 'Y' : 'N';
        return $user;
    }

    /** Return a customer, or [] for a user without orders, such as an editor of the site. */
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
        Loader::includeModule('iblock');
        foreach (['DETAIL_PICTURE', 'PREVIEW_PICTURE'] as $picture) {
            $product[$picture] = self::filePath($row[$picture] ?? 0);
        }
        $properties = [];
        $found = \CIBlockElement::GetProperty((int)$row['IBLOCK_ID'], $id, [], []);
        while ($property = $found->Fetch()) {
            $value = is_scalar($property['VALUE']) ? (string)$property['VALUE'] : '';
            if (($property['PROPERTY_TYPE'] ?? '') === 'F') {
                $value = self::filePath($value);
            }
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
        $parent = $properties[self::PARENT_PROPERTY] ?? 0;
        $product['PARENT_PICTURE'] = is_scalar($parent) && (int)$parent > 0 ? self::pictureOf((int)$parent) : '';
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

    /** Return the path of a file of b_file, or an empty string. */
    private static function filePath($id): string
    {
        return (int)$id > 0 ? (string)\CFile::GetPath((int)$id) : '';
    }

    /** Return the path of the picture of a product, or of the product of which it is an offer, or an empty string. */
    private static function pictureOf(int $id, bool $isParent = true): string
    {
        $sql = 'SELECT IBLOCK_ID, DETAIL_PICTURE, PREVIEW_PICTURE FROM b_iblock_element WHERE ID = ' . $id;
        $row = Application::getConnection()->query($sql)->fetch();
        if (!$row) {
            return '';
        }
        $path = self::filePath($row['DETAIL_PICTURE']) ?: self::filePath($row['PREVIEW_PICTURE'])
            ?: self::miniature((int)$row['IBLOCK_ID'], $id);
        if ($path === '' && !$isParent) {
            $parent = (int)(self::property((int)$row['IBLOCK_ID'], $id, self::PARENT_PROPERTY)['VALUE'] ?? 0);
            $path = $parent > 0 ? self::pictureOf($parent) : '';
        }
        return $path;
    }

    private static function miniature(int $iblockId, int $id): string
    {
        $property = self::property($iblockId, $id, self::MINIATURE_PROPERTY);
        $value = is_scalar($property['VALUE'] ?? '') ? (string)($property['VALUE'] ?? '') : '';
        return ($property['PROPERTY_TYPE'] ?? '') === 'F' ? self::filePath($value) : $value;
    }

    /** Return the first value of a property of an element, or [] if it has none. */
    private static function property(int $iblockId, int $id, string $code): array
    {
        return \CIBlockElement::GetProperty($iblockId, $id, [], ['CODE' => $code])->Fetch() ?: [];
    }

    /** Add `PICTURE` to the items whose product has a picture, so that the florist sees the bouquet. */
    private static function withPictures(array $basket): array
    {
        if (!Loader::includeModule('iblock')) {
            return $basket;
        }
        $paths = [];
        foreach (array_unique(array_map('intval', array_column($basket, 'PRODUCT_ID'))) as $id) {
            $paths[$id] = $id > 0 ? self::pictureOf($id, false) : '';
        }
        return array_map(function (array $line) use ($paths): array {
            $path = $paths[(int)($line['PRODUCT_ID'] ?? 0)] ?? '';
            return $path === '' ? $line : $line + ['PICTURE' => $path];
        }, $basket);
    }

    private static function values(array $row): array
    {
        foreach ($row as $column => $value) {
            $row[$column] = self::value($value, (string)$column);
        }
        return $row;
    }

    /**
     * Return a number as a decimal string and a time with its offset, because json_encode writes {} for Bitrix's dates.
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

    /** Return JSON even if the strings are not valid UTF-8. */
    public static function encode(array $value): string
    {
        $flags = JSON_UNESCAPED_UNICODE | JSON_UNESCAPED_SLASHES | JSON_INVALID_UTF8_SUBSTITUTE
            | JSON_PARTIAL_OUTPUT_ON_ERROR | JSON_PRESERVE_ZERO_FRACTION;
        return (string)json_encode($value, $flags);
    }

    // Installation and maintenance

    /** Create the table and the agent. It may be called any number of times, also by two hits at the same time. */
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
                    // The table may be from version 1.0.
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
                // Two hits that set an option for the first time at the same time may both insert it.
                Option::set('main', self::INSTALLED_OPTION, self::VERSION);
            } finally {
                $connection->unlock('cvety_crm_install');
            }
        }
    }

    /** Install without throwing an exception: the event can be written as soon as the table exists. */
    public static function installOrLog(): void
    {
        try {
            self::install();
        } catch (\Throwable $error) {
            self::log('not installed: ' . $error->getMessage());
        }
    }

    /** Return the id of a deleted order with this XML_ID whose webhook is still pending, or 0. */
    public static function waitingDeletion(string $xmlId): int
    {
        if (!self::$listening) {
            return 0;
        }
        $connection = Application::getConnection();
        $sql = 'SELECT ENTITY_ID FROM ' . self::TABLE . " WHERE EVENT = 'order.delete' AND XML_ID = '"
            . $connection->getSqlHelper()->forSql($xmlId) . "' ORDER BY ID DESC";
        // queryScalar() adds a LIMIT itself.
        try {
            return (int)$connection->queryScalar($sql);
        } catch (\Bitrix\Main\DB\SqlException $error) {
            self::installOrLog();
            return (int)$connection->queryScalar($sql);
        }
    }

    /** Remove everything that this file has created on the site. The line in init.php is not removed. */
    public static function uninstall(): void
    {
        \CAgent::RemoveAgent(self::AGENT, 'main');
        foreach ([self::TABLE, 'cvety_crm_done'] as $table) {
            Application::getConnection()->queryExecute('DROP TABLE IF EXISTS ' . $table);
        }
        Option::delete('main', ['name' => self::INSTALLED_OPTION]);
    }

    /** Queue the events that were put aside, after their cause is corrected. Return the number of rows. */
    public static function retryFailed(): int
    {
        $connection = Application::getConnection();
        $connection->queryExecute(
            'UPDATE ' . self::TABLE . " SET STATE = 'W', REFUSALS = 0, NEXT_TRY_AT = " . time() . " WHERE STATE = 'F'"
        );
        return $connection->getAffectedRowsCount();
    }

    /** Return the part of `ping` about the handlers and the queue. Restore a table or an agent that was deleted. */
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
        // The time is in unix seconds, because the database's time zone may differ from PHP's time zone.
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

    /** Return a random UUID (RFC 4122). */
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
        // Many sites use MySQL's three-byte utf8, which can't store an emoji.
        return (string)preg_replace('/[\x{10000}-\x{10FFFF}]/u', '?', $text);
    }

    /** Write to Bitrix's log (LOG_FILENAME) if it is set, or else to PHP's log. Never log tokens or personal data. */
    private static function log(string $text): void
    {
        if (defined('LOG_FILENAME') && function_exists('AddMessage2Log')) {
            AddMessage2Log($text, 'cvety.crm', 0);
        } else {
            error_log('crm-webhook: ' . $text);
        }
    }
}

/** The agent. It returns its own call, because Bitrix deletes an agent that returns anything else. */
function CvetyCrmWebhookAgent()
{
    CvetyCrmWebhook::runAgent();
    return CvetyCrmWebhook::AGENT;
}

// The bridge uses the code that reads orders, even on a site that sends no webhooks.
if (!defined('CVETY_CRM_ONLY_READ')) {
    CvetyCrmWebhook::listen();
}
