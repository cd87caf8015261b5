<?php
/**
 * The door by which Cvety CRM reads and changes the orders of this site: POST, JSON, header X-API-TOKEN.
 *
 * Lies beside crm-webhook.php, for example in /local/cvety-crm/; the steps are in README.md. Everything goes through
 * Bitrix's own classes (D7), so that versions, history, payments and handlers of the site are as after any other save.
 *
 * PHP 7.4 to 8.3, Bitrix main and sale from 20.0.
 */

use Bitrix\Main\Application;
use Bitrix\Main\Loader;
use Bitrix\Sale\Basket;
use Bitrix\Sale\Delivery\Services\Manager as DeliveryManager;
use Bitrix\Sale\Order;
use Bitrix\Sale\PaySystem\Manager as PaySystemManager;

/** Something that the site does not do; it becomes the answer's `error`. */
final class CvetyCrmRefusal extends \Exception
{
    public $httpStatus;
    public $errorCode;
    public $step;

    /** The order's present state, when a comparison failed. */
    public $current;

    public function __construct(
        int $httpStatus,
        string $errorCode,
        string $message,
        string $step,
        ?array $current = null
    ) {
        parent::__construct($message);
        $this->httpStatus = $httpStatus;
        $this->errorCode = $errorCode;
        $this->step = $step;
        $this->current = $current;
    }

    public static function badRequest(string $code, string $message): self
    {
        return new self(400, $code, $message, 'request');
    }

    public static function invalid(string $code, string $message, string $step): self
    {
        return new self(422, $code, $message, $step);
    }
}

/** What was done for the CRM: a request whose answer was lost is not done twice. Called under the order's lock. */
final class CvetyCrmDone
{
    const TABLE = 'cvety_crm_done';
    const KEEP_SECONDS = 30 * 86400;

    /** The version that the request made of the order, or null when it has not been done. */
    public static function version(string $eventId, int $orderId): ?int
    {
        if ($eventId === '') {
            return null;
        }
        self::install();
        $row = Application::getConnection()->query(
            'SELECT VERSION FROM ' . self::TABLE . " WHERE ID = '" . $eventId . "' AND ORDER_ID = " . $orderId
        )->fetch();
        return $row ? (int)$row['VERSION'] : null;
    }

    public static function note(string $eventId, int $orderId, int $version): void
    {
        if ($eventId === '') {
            return;
        }
        $connection = Application::getConnection();
        $now = time();
        $connection->queryExecute(
            'INSERT INTO ' . self::TABLE . ' (ID, ORDER_ID, VERSION, DONE_AT)'
            . " VALUES ('$eventId', $orderId, $version, $now)"
        );
        if (mt_rand(1, 100) === 1) {
            $connection->queryExecute('DELETE FROM ' . self::TABLE . ' WHERE DONE_AT < ' . ($now - self::KEEP_SECONDS));
        }
    }

    private static function install(): void
    {
        Application::getConnection()->queryExecute(
            'CREATE TABLE IF NOT EXISTS ' . self::TABLE . ' ('
            . 'ID VARCHAR(64) NOT NULL, '
            . 'ORDER_ID INT NOT NULL, '
            . 'VERSION INT NOT NULL, '
            . 'DONE_AT INT NOT NULL, '
            . 'PRIMARY KEY (ID), '
            . 'KEY IX_CVETY_CRM_DONE_AT (DONE_AT)'
            . ') ENGINE=InnoDB DEFAULT CHARSET=utf8mb4'
        );
    }
}

/** The actions. One object serves one request. */
final class CvetyCrmBridge
{
    const VERSION = '1.1';
    const CURRENCY = 'KZT';
    const LIST_LIMIT = 100;
    const LIST_LIMIT_MOST = 500;
    const LOCK_SECONDS = 10;

    const ACTIONS = [
        'order.create' => 'createOrder',
        'order.status' => 'changeStatus',
        'order.update' => 'updateOrder',
        'order.get' => 'getOrder',
        'order.list' => 'listOrders',
        'reference' => 'reference',
        'ping' => 'ping',
    ];

    /** The request's own names for properties; what stands in `properties` wins over them. */
    const PROPERTY_OF_REQUEST_KEY = [
        'recipient_name' => 'nameRecipient',
        'recipient_phone' => 'phoneRecipient',
        'delivery_address' => 'addressRecipient',
        'delivery_date' => 'data',
        'postcard_text' => 'postcardText',
    ];

    /** Lengths of the columns of b_sale_order: MySQL in strict mode refuses what is longer, else it cuts. */
    const TEXT_COLUMNS = [
        'USER_DESCRIPTION' => 2000, 'COMMENTS' => 65535, 'REASON_CANCELED' => 255, 'ADDITIONAL_INFO' => 255,
        'XML_ID' => 255, 'TRACKING_NUMBER' => 255, 'ORDER_TOPIC' => 255,
    ];
    const MONEY_COLUMNS = ['PRICE', 'PRICE_DELIVERY', 'DISCOUNT_VALUE'];
    const FLAG_COLUMNS = ['PAYED', 'CANCELED', 'MARKED', 'EXTERNAL_ORDER'];
    const ID_COLUMNS = ['RESPONSIBLE_ID', 'PAY_SYSTEM_ID', 'DELIVERY_ID', 'COMPANY_ID', 'EMP_STATUS_ID'];

    /** Columns that belong to a part of the order, or are computed: setField() of the order is not their way. */
    const COLUMNS_OF_PARTS = [
        'PRICE', 'PRICE_DELIVERY', 'PAYED', 'CANCELED', 'PAY_SYSTEM_ID', 'DELIVERY_ID', 'TRACKING_NUMBER',
    ];

    private $step = 'request';
    private $steps = [];
    private $warnings = [];

    /** Returns the HTTP status and the answer to a request that has shown its token. */
    public function answer(string $body): array
    {
        $started = microtime(true);
        $about = '-';
        try {
            $request = json_decode($body, true);
            if ($request === null) {
                throw CvetyCrmRefusal::badRequest('bad_json', 'The body is not JSON');
            }
            // [] and {} are the same array here, hence the look at the text.
            if (!is_array($request) || substr(ltrim($body), 0, 1) !== '{') {
                throw CvetyCrmRefusal::badRequest('bad_request', 'The request must be a JSON object');
            }
            // A body without an action is the create request that the site has always known.
            $action = array_key_exists('action', $request) ? $request['action'] : 'order.create';
            if (!is_string($action) || !isset(self::ACTIONS[$action])) {
                $message = 'Unknown action ' . CvetyCrmWebhook::encode([$action]);
                throw CvetyCrmRefusal::badRequest('unknown_action', $message);
            }
            $about = $action . ' ' . CvetyCrmWebhook::encode([$request['order_id'] ?? $request['xml_id'] ?? null]);
            if (!Loader::includeModule('sale') || !Loader::includeModule('catalog')) {
                throw new CvetyCrmRefusal(500, 'no_module', 'The modules sale and catalog are needed', 'request');
            }
            $answer = ['success' => true] + $this->{self::ACTIONS[$action]}($request);
            if ($this->warnings) {
                $answer['warnings'] = $this->warnings;
            }
            $this->log($about, 200, $started, '');
            return [200, $answer];
        } catch (CvetyCrmRefusal $refusal) {
            $this->log($about, $refusal->httpStatus, $started, $refusal->errorCode . ' ' . $refusal->getMessage());
            return [$refusal->httpStatus, self::errorAnswer($refusal)];
        } catch (\Throwable $error) {
            $text = get_class($error) . ': ' . mb_substr($error->getMessage(), 0, 300);
            $this->log($about, 500, $started, $text . ' at ' . $error->getFile() . ':' . $error->getLine());
            return [500, self::errorAnswer(new CvetyCrmRefusal(500, 'internal', $text, $this->step))];
        }
    }

    public static function errorAnswer(CvetyCrmRefusal $refusal): array
    {
        $answer = [
            'success' => false,
            'error' => [
                'code' => $refusal->errorCode,
                'message' => $refusal->getMessage(),
                'step' => $refusal->step,
            ],
        ];
        return $refusal->current === null ? $answer : $answer + ['current' => $refusal->current];
    }

    // order.create

    private function createOrder(array $request): array
    {
        $xmlId = $this->textColumn('XML_ID', $request['xml_id'] ?? null);
        if ($xmlId === '') {
            return $this->buildOrder($request, '');
        }
        // XML_ID has an index that is not unique: look and create under one lock.
        return $this->locked('cvety_crm_create_' . md5($xmlId), function () use ($request, $xmlId): array {
            $row = $this->rowByXmlId($xmlId);
            if ($row) {
                if ($row['RUNNING'] === 'Y') {
                    $this->warnings[] = 'An earlier attempt to create this order broke off: look at it on the site';
                }
                return self::createdAnswer($row, false);
            }
            $deleted = CvetyCrmWebhook::waitingDeletion($xmlId);
            if ($deleted > 0) {
                // It was made and people have deleted it. The CRM knows neither: it must not come back to life.
                $row = ['ID' => $deleted, 'ACCOUNT_NUMBER' => '', 'VERSION' => 0];
                return self::createdAnswer($row, false) + ['deleted' => true];
            }
            return $this->buildOrder($request, $xmlId);
        });
    }

    private function buildOrder(array $request, string $xmlId): array
    {
        $properties = $this->properties($request['properties'] ?? null);
        foreach (self::PROPERTY_OF_REQUEST_KEY as $key => $code) {
            if (isset($request[$key])) {
                $properties += [$code => self::text($request[$key])];
            }
        }
        $statusId = $this->checkStatus($request['status_id'] ?? null ?: 'N');
        $fee = $this->amount($request['delivery_fee'] ?? 0, 'delivery_fee', 'order');
        $discount = $this->amount($request['discount_amount'] ?? 0, 'discount_amount', 'order');
        $total = $request['total_amount'] ?? null;
        $total = $total === null ? null : $this->amount($total, 'total_amount', 'order');
        $lines = $this->lines($request['items'] ?? null);
        if ($total === null) {
            $total = max(array_sum(array_map([self::class, 'lineSum'], $lines)) + $fee - $discount, 0.0);
        }
        $paySystemId = $this->idColumn('PAY_SYSTEM_ID', $request['payment_method_id'] ?? null);
        $deliveryId = $this->idColumn('DELIVERY_ID', $request['delivery_id'] ?? null);
        $texts = [
            'USER_DESCRIPTION' => $this->textColumn('USER_DESCRIPTION', $request['comment'] ?? null),
            'COMMENTS' => $this->textColumn('COMMENTS', $request['courier_comment'] ?? null),
        ];

        $this->step('user');
        $userId = $this->customerId($request['user_id'] ?? null, $properties);

        $this->step('order');
        $siteId = self::siteId();
        $order = Order::create($siteId, $userId, self::CURRENCY);
        // Before the properties: which ones there are depends on it.
        $this->check($order->setPersonTypeId($this->personTypeId($siteId)));
        foreach ($texts + ($xmlId === '' ? [] : ['XML_ID' => $xmlId]) as $column => $value) {
            $this->check($order->setField($column, $value));
        }

        $this->step('basket');
        $basket = Basket::create($siteId);
        foreach ($lines as $line) {
            $this->addLine($basket, $line, $siteId);
        }
        $this->check($order->setBasket($basket));

        $this->step('shipment');
        $service = $deliveryId ? DeliveryManager::getObjectById($deliveryId) : null;
        if ($deliveryId && !$service) {
            $this->warnings[] = 'The site has no delivery service ' . $deliveryId;
        }
        $shipment = $service
            ? $order->getShipmentCollection()->createItem($service)
            : $order->getShipmentCollection()->createItem();
        foreach ($basket as $item) {
            $this->ship($shipment, $item, (float)$item->getQuantity());
        }
        $this->setDeliveryPrice($shipment, $fee);

        $this->step('payment');
        $payment = null;
        $paySystem = $paySystemId ? PaySystemManager::getObjectById($paySystemId) : null;
        if ($paySystem) {
            $payment = $order->getPaymentCollection()->createItem($paySystem);
            $this->check($payment->setFields(['SUM' => $total, 'CURRENCY' => self::CURRENCY]));
        } elseif ($paySystemId) {
            $this->warnings[] = 'The site has no pay system ' . $paySystemId . ': the order has no payment';
        }

        // After shipment and payment: some properties only exist for certain ones.
        $this->step('properties');
        $this->setProperties($order, $properties);

        $this->step('total');
        $this->check($order->doFinalAction(true));
        if ($payment && self::differs($payment->getField('SUM'), $total)) {
            $this->check($payment->setField('SUM', $total));
        }
        $this->setTotal($order, $total);
        if ($discount > 0) {
            $order->setFieldNoDemand('DISCOUNT_VALUE', $discount);
        }
        if ($statusId !== 'N') {
            $this->step('status');
            $this->check($order->setField('STATUS_ID', $statusId));
        }

        $this->save($order);
        $row = $this->row((int)$order->getId());
        if (!$row) {
            throw new CvetyCrmRefusal(500, 'not_saved', 'Bitrix reported no error, but there is no order', 'save');
        }
        return self::createdAnswer($row, true);
    }

    private static function createdAnswer(array $row, bool $isNew): array
    {
        return [
            'order_id' => (int)$row['ID'],
            'order_number' => (string)($row['ACCOUNT_NUMBER'] ?: $row['ID']),
            'version' => (int)$row['VERSION'],
            'created' => $isNew,
        ];
    }

    /** Whose order it is: the user named, else one with this phone, else a new one, else the site's anonymous buyer. */
    private function customerId($userId, array $properties): int
    {
        $connection = Application::getConnection();
        if ((is_int($userId) || is_string($userId)) && ctype_digit((string)$userId) && strlen((string)$userId) < 10) {
            if ($connection->query('SELECT ID FROM b_user WHERE ID = ' . (int)$userId)->fetch()) {
                return (int)$userId;
            }
        }
        $phone = $properties['phone'] ?? '';
        $digits = substr((string)preg_replace('/\D/', '', is_string($phone) ? $phone : ''), -10);
        if (strlen($digits) === 10) {
            $row = $connection->query(
                "SELECT USER_ID FROM b_user_phone_auth WHERE PHONE_NUMBER = '+7" . $digits . "'"
            )->fetch();
            if ($row) {
                return (int)$row['USER_ID'];
            }
            foreach (['PERSONAL_PHONE', 'PERSONAL_MOBILE'] as $column) {
                // As typed: +7 (701) …, 8701…, with spaces and dashes.
                $bare = "REPLACE(REPLACE(REPLACE(REPLACE($column, ' ', ''), '-', ''), '(', ''), ')', '')";
                $row = $connection->query(
                    "SELECT ID FROM b_user WHERE ACTIVE = 'Y' AND $bare IN"
                    . " ('+7$digits', '7$digits', '8$digits', '$digits') ORDER BY ID LIMIT 1"
                )->fetch();
                if ($row) {
                    return (int)$row['ID'];
                }
            }
            $id = $this->newUser($digits, $properties);
            if ($id > 0) {
                return $id;
            }
        }
        return (int)\CSaleUser::GetAnonymousUserID();
    }

    private function newUser(string $digits, array $properties): int
    {
        $password = bin2hex(random_bytes(16)) . 'Aa1!';
        $email = is_string($properties['email'] ?? null) ? trim($properties['email']) : '';
        $groups = \Bitrix\Main\Config\Option::get('main', 'new_user_registration_def_group', '');
        $fields = [
            'LOGIN' => 'crm' . $digits,
            'NAME' => mb_substr(is_string($properties['name'] ?? null) ? $properties['name'] : '', 0, 50),
            'PERSONAL_PHONE' => '+7' . $digits,
            'PHONE_NUMBER' => '+7' . $digits,
            'PASSWORD' => $password,
            'CONFIRM_PASSWORD' => $password,
            'ACTIVE' => 'Y',
            'LID' => self::siteId(),
        ];
        if ($groups !== '') {
            $fields['GROUP_ID'] = explode(',', $groups);
        }
        // The column must not be empty on many sites; addresses of this shape are known to the CRM as none.
        $addresses = ['noemail' . $digits . '@noemail.kz'];
        if (filter_var($email, FILTER_VALIDATE_EMAIL)) {
            array_unshift($addresses, $email);
        }
        $user = new \CUser();
        foreach ($addresses as $address) {
            $id = (int)$user->Add(['EMAIL' => $address] + $fields);
            if ($id > 0) {
                return $id;
            }
        }
        $this->warnings[] = 'No user was made for the phone: ' . strip_tags((string)$user->LAST_ERROR);
        return 0;
    }

    private function personTypeId(string $siteId): int
    {
        if (defined('CRM_BRIDGE_PERSON_TYPE_ID')) {
            return (int)CRM_BRIDGE_PERSON_TYPE_ID;
        }
        $connection = Application::getConnection();
        $site = $connection->getSqlHelper()->forSql($siteId);
        $row = $connection->query(
            "SELECT ID FROM b_sale_person_type WHERE ACTIVE = 'Y' AND LID = '$site' ORDER BY SORT, ID LIMIT 1"
        )->fetch();
        if (!$row) {
            throw CvetyCrmRefusal::invalid('no_person_type', 'Define CRM_BRIDGE_PERSON_TYPE_ID', 'order');
        }
        return (int)$row['ID'];
    }

    private static function siteId(): string
    {
        if (defined('CRM_BRIDGE_SITE_ID')) {
            return (string)CRM_BRIDGE_SITE_ID;
        }
        return defined('SITE_ID') && SITE_ID !== '' ? (string)SITE_ID : 's1';
    }

    // order.status

    private function changeStatus(array $request): array
    {
        $id = $this->orderId($request);
        return $this->locked('cvety_crm_order_' . $id, function () use ($request, $id): array {
            $row = $this->find($id);
            $wanted = $this->checkStatus($request['status_id'] ?? '');
            $expected = self::text($request['expected_status_id'] ?? null);
            // What is already there is done: a repeated request succeeds.
            if ((string)$row['STATUS_ID'] === $wanted) {
                return self::versionAnswer($row);
            }
            $this->compare($row, $expected);
            $this->step('status');
            $order = $this->load($id);
            $this->check($order->setField('STATUS_ID', $wanted));
            // The site's own people do not take our lock: look once more, as late as possible.
            $this->compare($this->find($id), $expected !== '' ? (string)$row['STATUS_ID'] : '');
            $this->save($order);
            return self::versionAnswer($this->find($id));
        });
    }

    private function compare(array $row, string $expected): void
    {
        $present = (string)$row['STATUS_ID'];
        if ($expected !== '' && $present !== $expected) {
            $current = ['status_id' => $present, 'version' => (int)$row['VERSION']];
            $message = 'The order is in status ' . $present . ', expected ' . $expected;
            throw new CvetyCrmRefusal(409, 'status_conflict', $message, 'status', $current);
        }
    }

    // order.update

    private function updateOrder(array $request): array
    {
        $fields = $request['fields'] ?? null ?: [];
        if (!is_array($fields) || ($fields && array_keys($fields) === range(0, count($fields) - 1))) {
            throw CvetyCrmRefusal::badRequest('bad_fields', 'fields must be an object');
        }
        $id = $this->orderId($request);
        foreach ($fields as $column => $value) {
            $fields[$column] = $this->columnValue((string)$column, $value);
        }
        $properties = $this->properties($request['properties'] ?? null);
        $eventId = $this->eventId($request);
        $work = function () use ($request, $id, $fields, $properties, $eventId): array {
            $this->find($id);
            $version = CvetyCrmDone::version($eventId, $id);
            if ($version !== null) {
                return ['order_id' => $id, 'version' => $version, 'repeated' => true];
            }
            $lines = isset($request['items']) ? $this->lines($request['items']) : null;
            $order = $this->load($id);
            $this->change($order, $fields, $properties, $lines);
            if ($order->isChanged()) {
                $this->save($order);
            }
            $answer = self::versionAnswer($this->find($id));
            CvetyCrmDone::note($eventId, $id, $answer['version']);
            return $answer + ['repeated' => false];
        };
        return $this->locked('cvety_crm_order_' . $id, $work);
    }

    private function eventId(array $request): string
    {
        $eventId = self::text($request['event_id'] ?? '');
        if (!preg_match('/^[A-Za-z0-9-]{0,64}$/', $eventId)) {
            throw CvetyCrmRefusal::badRequest('bad_event_id', 'event_id must be letters, digits and hyphens');
        }
        return $eventId;
    }

    /** In an order that Bitrix can follow: it changes no parts of a cancelled order, and cancels no paid one. */
    private function change(Order $order, array $fields, array $properties, ?array $lines): void
    {
        $totalBefore = (float)$order->getPrice();
        $partsBefore = self::partsSum($order);
        if (($fields['CANCELED'] ?? '') === 'N') {
            $this->cancel($order, 'N', '');
        }
        // First: what is paid keeps its sum and its pay system.
        if (($fields['PAYED'] ?? '') === 'N') {
            $this->takePaymentBack($order);
        }
        foreach (array_diff_key($fields, array_flip(self::COLUMNS_OF_PARTS)) as $column => $value) {
            $this->step($column === 'STATUS_ID' ? 'status' : 'order');
            $this->setColumn($order, $column, $value);
        }
        if ($properties) {
            $this->step('properties');
            $this->setProperties($order, $properties);
        }
        if ($lines !== null) {
            $this->step('basket');
            $this->replaceLines($order, $lines);
        }
        $this->changeShipment($order, $fields);
        $this->changePayment($order, $fields);

        // Bitrix sums up the parts anew; moving by the difference keeps what was agreed on beside them, a discount.
        $this->step('total');
        $total = $fields['PRICE'] ?? max($totalBefore + self::partsSum($order) - $partsBefore, 0.0);
        if (self::differs($total, $totalBefore)) {
            $payments = self::payments($order);
            $payment = count($payments) === 1 && !$payments[0]->isPaid() ? $payments[0] : null;
            if ($payment && self::differs($payment->getField('SUM'), $total)) {
                $this->check($payment->setField('SUM', $total));
            }
        }
        $this->setTotal($order, (float)$total);
        if ($lines !== null || self::differs($total, $totalBefore)) {
            self::settlePaid($order);
        }
        if (($fields['PAYED'] ?? '') === 'Y') {
            $this->pay($order);
        }
        if (($fields['CANCELED'] ?? '') === 'Y') {
            $this->cancel($order, 'Y', $fields['REASON_CANCELED'] ?? '');
        }
    }

    private function cancel(Order $order, string $flag, string $reason): void
    {
        $this->step('cancel');
        if ((string)$order->getField('CANCELED') === $flag) {
            return;
        }
        $result = $order->setField('CANCELED', $flag);
        if (!$result->isSuccess()) {
            throw CvetyCrmRefusal::invalid('cancel_refused', implode('; ', $result->getErrorMessages()), 'cancel');
        }
        $this->setColumn($order, 'REASON_CANCELED', $reason);
    }

    /** What is the same is not set: null and '' would count as a change, and make a new version. */
    private function setColumn(Order $order, string $column, $value): void
    {
        $present = $order->getField($column);
        $isSame = is_float($value) ? !self::differs($present, $value) : (string)$present === (string)$value;
        if (!$isSame) {
            $this->check($order->setField($column, $value));
        }
    }

    private function changeShipment(Order $order, array $fields): void
    {
        if (!array_intersect_key($fields, ['PRICE_DELIVERY' => 1, 'DELIVERY_ID' => 1, 'TRACKING_NUMBER' => 1])) {
            return;
        }
        $this->step('shipment');
        $shipments = self::shipments($order);
        $isCostlier = isset($fields['PRICE_DELIVERY'])
            && self::differs($order->getField('PRICE_DELIVERY'), $fields['PRICE_DELIVERY']);
        $service = (int)($fields['DELIVERY_ID'] ?? 0);
        $number = $fields['TRACKING_NUMBER'] ?? null;
        if (count($shipments) !== 1) {
            if ($isCostlier || $service || $number) {
                $message = 'The order has ' . count($shipments) . ' shipments: change them on the site';
                throw CvetyCrmRefusal::invalid('shipments', $message, 'shipment');
            }
            return;
        }
        $shipment = $shipments[0];
        if ($service && $service !== (int)$shipment->getField('DELIVERY_ID')) {
            $found = DeliveryManager::getObjectById($service);
            if (!$found) {
                $message = 'The site has no delivery service ' . $service;
                throw CvetyCrmRefusal::invalid('delivery_unknown', $message, 'shipment');
            }
            $this->check($shipment->setFields(['DELIVERY_ID' => $service, 'DELIVERY_NAME' => $found->getName()]));
        }
        if ($number !== null && (string)$shipment->getField('TRACKING_NUMBER') !== $number) {
            $this->check($shipment->setField('TRACKING_NUMBER', $number));
        }
        if ($isCostlier) {
            $this->setDeliveryPrice($shipment, (float)$fields['PRICE_DELIVERY']);
        }
    }

    private function changePayment(Order $order, array $fields): void
    {
        $wanted = (int)($fields['PAY_SYSTEM_ID'] ?? 0);
        $payments = self::payments($order);
        $present = [];
        foreach ($payments as $payment) {
            $present[(int)$payment->getField('PAY_SYSTEM_ID')] = true;
        }
        if (!$wanted || array_keys($present) === [$wanted]) {
            return;
        }
        $this->step('payment');
        $service = PaySystemManager::getObjectById($wanted);
        if (!$service) {
            $message = 'The site has no pay system ' . $wanted;
            throw CvetyCrmRefusal::invalid('pay_system_unknown', $message, 'payment');
        }
        if (!$payments) {
            $payment = $order->getPaymentCollection()->createItem($service);
            $sum = ['SUM' => (float)$order->getPrice(), 'CURRENCY' => (string)$order->getField('CURRENCY')];
            $this->check($payment->setFields($sum));
            return;
        }
        if ($order->getPaymentCollection()->hasPaidPayment()) {
            throw CvetyCrmRefusal::invalid('payment_paid', 'What is paid keeps its pay system', 'payment');
        }
        if (count($present) > 1) {
            $message = 'The order has payments of ' . count($present) . ' pay systems: change them on the site';
            throw CvetyCrmRefusal::invalid('payments', $message, 'payment');
        }
        $changes = ['PAY_SYSTEM_ID' => $wanted, 'PAY_SYSTEM_NAME' => $service->getField('NAME')];
        foreach ($payments as $payment) {
            $this->check($payment->setFields($changes));
        }
    }

    /** PAYED of an order is computed from its payments: pay them until it is Y, and what is missing by one more. */
    private function pay(Order $order): void
    {
        $this->step('payment');
        $payments = self::payments($order);
        if (!$payments && (string)$order->getField('PAYED') !== 'Y') {
            throw CvetyCrmRefusal::invalid('no_payment', 'The order has no payment', 'payment');
        }
        foreach ($payments as $payment) {
            // More than the price would go to the customer's inner account.
            if ((string)$order->getField('PAYED') !== 'Y' && !$payment->isPaid()) {
                $this->check($payment->setPaid('Y'));
            }
        }
        $missing = (float)$order->getPrice() - self::paidSum($order);
        if ((string)$order->getField('PAYED') !== 'Y' && $missing > 0.005) {
            $service = PaySystemManager::getObjectById((int)end($payments)->getField('PAY_SYSTEM_ID'));
            if (!$service) {
                throw CvetyCrmRefusal::invalid('no_payment', 'No pay system for the rest of the sum', 'payment');
            }
            $rest = $order->getPaymentCollection()->createItem($service);
            $this->check($rest->setFields(['SUM' => $missing, 'CURRENCY' => (string)$order->getField('CURRENCY')]));
            $this->check($rest->setPaid('Y'));
        }
    }

    private function takePaymentBack(Order $order): void
    {
        $this->step('payment');
        foreach (self::payments($order) as $payment) {
            if ($payment->isPaid()) {
                $this->check($payment->setPaid('N'));
            }
        }
    }

    /** As Order::syncOrderAndPayments(), which is private and does not hear of a total that was set over the parts. */
    private static function settlePaid(Order $order): void
    {
        $paid = self::paidSum($order);
        $price = (float)$order->getPrice();
        $flag = $order->getPaymentCollection()->hasPaidPayment() && round($price, 2) <= round($paid, 2) ? 'Y' : 'N';
        if ((string)$order->getField('PAYED') !== $flag) {
            $order->setFieldNoDemand('PAYED', $flag);
        }
        if (self::differs($order->getField('SUM_PAID'), min($paid, $price))) {
            $order->setFieldNoDemand('SUM_PAID', min($paid, $price));
        }
    }

    private static function paidSum(Order $order): float
    {
        $sum = 0.0;
        foreach (self::payments($order) as $payment) {
            $sum += $payment->isPaid() ? (float)$payment->getField('SUM') : 0.0;
        }
        return $sum;
    }

    // The parts of an order

    private function addLine(Basket $basket, array $line, string $siteId): \Bitrix\Sale\BasketItem
    {
        $nameInCatalogue = $this->nameInCatalogue($line['product_id']);
        // An agreed price: CUSTOM_PRICE keeps Bitrix from putting that of the catalogue in its place.
        $fields = [
            'CUSTOM_PRICE' => 'Y',
            'CURRENCY' => $line['currency'],
            'LID' => $siteId,
            'NAME' => $line['name'] ?? $nameInCatalogue ?? 'Товар ' . $line['product_id'],
            'BASE_PRICE' => max($line['base_price'] ?? 0.0, $line['price']),
            'PRICE' => $line['price'],
            'QUANTITY' => $line['quantity'],
        ];
        if ($nameInCatalogue !== null) {
            $item = $basket->createItem('catalog', $line['product_id']);
            $provider = class_exists('\Bitrix\Catalog\Product\CatalogProvider')
                ? '\Bitrix\Catalog\Product\CatalogProvider'
                : 'CCatalogProductProvider';
            $result = $item->setFields($fields + ['PRODUCT_PROVIDER_CLASS' => $provider]);
            if ($result->isSuccess()) {
                return $item;
            }
            // Mostly an empty stock. A manager has promised the flowers: the line goes in without the catalogue.
            $this->warnings[] = 'Product ' . $line['product_id'] . ': ' . implode('; ', $result->getErrorMessages());
            $this->check($item->delete());
        }
        $item = $basket->createItem('catalog', $line['product_id']);
        $this->check($item->setFields($fields + ['CAN_BUY' => 'Y', 'DELAY' => 'N']));
        return $item;
    }

    /** The name of a product that can be sold, or null. */
    private function nameInCatalogue(int $productId): ?string
    {
        $row = Application::getConnection()->query(
            'SELECT e.NAME FROM b_iblock_element e INNER JOIN b_catalog_product p ON p.ID = e.ID'
            . " WHERE e.ACTIVE = 'Y' AND e.ID = " . $productId
        )->fetch();
        return $row ? (string)$row['NAME'] : null;
    }

    /** Make the basket what the request says; a line that goes on keeps its id and what the request does not say. */
    private function replaceLines(Order $order, array $lines): void
    {
        $basket = $order->getBasket();
        $free = [];
        foreach ($basket as $item) {
            $free[(int)$item->getId()] = $item;
        }
        $continued = [];
        foreach ($lines as $position => $line) {
            $named = $line['basket_id'];
            if ($named && !isset($free[$named])) {
                $message = 'The order has no basket line ' . $named . ', or it was named twice';
                throw CvetyCrmRefusal::invalid('basket_unknown', $message, 'basket');
            }
            if ($named) {
                $continued[$position] = $free[$named];
                unset($free[$named]);
            }
        }
        foreach ($lines as $position => $line) {
            foreach (isset($continued[$position]) ? [] : $free as $id => $item) {
                if ((int)$item->getProductId() === $line['product_id']) {
                    $continued[$position] = $item;
                    unset($free[$id]);
                    break;
                }
            }
        }
        $shipments = self::shipments($order);
        foreach ($lines as $position => $line) {
            if (isset($continued[$position])) {
                $this->changeLine($continued[$position], $line, $shipments);
            } else {
                $item = $this->addLine($basket, $line, self::siteId());
                if (count($shipments) === 1) {
                    $this->ship($shipments[0], $item, (float)$item->getQuantity());
                }
            }
        }
        foreach ($free as $item) {
            $this->check($item->delete());
        }
    }

    private function changeLine(\Bitrix\Sale\BasketItem $item, array $line, array $shipments): void
    {
        $price = (float)$item->getField('PRICE');
        $changes = [];
        if (self::differs($price, $line['price'])) {
            $base = max($line['base_price'] ?? $line['price'], $line['price']);
            $changes = ['CUSTOM_PRICE' => 'Y', 'BASE_PRICE' => $base, 'PRICE' => $line['price']];
        }
        if ($line['name'] !== null && (string)$item->getField('NAME') !== $line['name']) {
            $changes['NAME'] = $line['name'];
        }
        if ($changes) {
            $this->check($item->setFields($changes));
        }
        $quantity = (float)$item->getQuantity();
        if (!self::differs($quantity, $line['quantity'])) {
            return;
        }
        // Bitrix takes back what is not in a shipment only: fewer leave the shipment first, more enter it last.
        $isLess = $line['quantity'] < $quantity;
        if ($isLess && count($shipments) === 1) {
            $this->ship($shipments[0], $item, $line['quantity']);
        }
        $this->check($item->setField('QUANTITY', $line['quantity']));
        if (!$isLess && count($shipments) === 1) {
            $this->ship($shipments[0], $item, $line['quantity']);
        }
    }

    private function ship(\Bitrix\Sale\Shipment $shipment, \Bitrix\Sale\BasketItem $item, float $quantity): void
    {
        $items = $shipment->getShipmentItemCollection();
        $shipped = $items->getItemByBasketCode($item->getBasketCode()) ?: $items->createItem($item);
        if ($shipped && self::differs($shipped->getQuantity(), $quantity)) {
            $this->check($shipped->setQuantity($quantity));
        }
    }

    private function setDeliveryPrice(\Bitrix\Sale\Shipment $shipment, float $price): void
    {
        $this->check($shipment->setFields([
            'CUSTOM_PRICE_DELIVERY' => 'Y',
            'CURRENCY' => self::CURRENCY,
            'BASE_PRICE_DELIVERY' => $price,
            'PRICE_DELIVERY' => $price,
        ]));
    }

    private function setProperties(Order $order, array $properties): void
    {
        $collection = $order->getPropertyCollection();
        foreach ($properties as $code => $value) {
            $property = null;
            // Not getItemByOrderPropertyCode(): it came with sale 20.0.900.
            foreach ($collection as $candidate) {
                if ((string)$candidate->getField('CODE') === (string)$code) {
                    $property = $candidate;
                    break;
                }
            }
            if (!$property) {
                // What the site has no place for is lost there, and that is worth knowing.
                if ($value !== '' && $value !== []) {
                    $this->warnings[] = 'The site has no order property ' . $code;
                }
                continue;
            }
            $present = $property->getValue();
            $isSame = is_array($present) || is_array($value)
                ? array_map('strval', array_values((array)$present)) === array_values((array)$value)
                : (string)$present === $value;
            if (!$isSame) {
                $result = $property->setValue($value);
                if ($result instanceof \Bitrix\Main\Result) {
                    $this->check($result, 'property ' . $code . ': ');
                }
            }
        }
    }

    /** The sum that was agreed on. setField('PRICE') would make Bitrix work out a sum of its own over it. */
    private function setTotal(Order $order, float $total): void
    {
        if (self::differs($order->getPrice(), $total)) {
            $order->setFieldNoDemand('PRICE', $total);
        }
    }

    /** What basket and delivery cost together. */
    private static function partsSum(Order $order): float
    {
        $sum = (float)$order->getField('PRICE_DELIVERY');
        foreach ($order->getBasket() as $item) {
            $sum += (float)$item->getField('PRICE') * (float)$item->getQuantity();
        }
        return $sum;
    }

    /** The shipments that a person sees; the system one only holds what is in none of them. */
    private static function shipments(Order $order): array
    {
        $shipments = [];
        foreach ($order->getShipmentCollection() as $shipment) {
            if (!$shipment->isSystem()) {
                $shipments[] = $shipment;
            }
        }
        return $shipments;
    }

    private static function payments(Order $order): array
    {
        $payments = [];
        foreach ($order->getPaymentCollection() as $payment) {
            $payments[] = $payment;
        }
        return $payments;
    }

    private function save(Order $order): void
    {
        $this->step('save');
        $result = $order->save();
        $this->check($result);
        // A part of the order that was not stored is only a warning to Bitrix.
        foreach (method_exists($result, 'getWarningMessages') ? $result->getWarningMessages() : [] as $message) {
            $this->warnings[] = (string)$message;
        }
    }

    // Reading

    private function getOrder(array $request): array
    {
        if (!empty($request['order_id'])) {
            $id = $this->orderId($request);
        } elseif (!empty($request['xml_id'])) {
            $row = $this->rowByXmlId(self::text($request['xml_id']));
            if (!$row) {
                throw self::notFound(self::text($request['xml_id']));
            }
            $id = (int)$row['ID'];
        } else {
            throw CvetyCrmRefusal::badRequest('bad_id', 'order_id or xml_id is needed');
        }
        $order = CvetyCrmWebhook::orderData($id);
        if ($order === null) {
            throw self::notFound((string)$id);
        }
        return ['order' => $order];
    }

    private function listOrders(array $request): array
    {
        $limit = min($this->identity($request['limit'] ?? null ?: self::LIST_LIMIT, 'limit'), self::LIST_LIMIT_MOST);
        $afterId = $this->identity($request['after_id'] ?? null ?: 0, 'after_id', 'request', true);
        $since = $this->moment($request['since'] ?? null);
        // RUNNING: an order whose saving is not over has no final values yet.
        $rows = Application::getConnection()->query(
            'SELECT ID, XML_ID, VERSION, STATUS_ID, PRICE, PAYED, CANCELED, DATE_UPDATE FROM b_sale_order'
            . ' WHERE ID > ' . $afterId . " AND RUNNING <> 'Y'"
            . ($since === null ? '' : " AND DATE_UPDATE >= '" . $since . "'")
            . ' ORDER BY ID LIMIT ' . ($limit + 1)
        )->fetchAll();
        // One more than asked for tells whether there is a next page.
        $next = count($rows) > $limit ? (int)$rows[$limit - 1]['ID'] : null;
        $orders = [];
        foreach (array_slice($rows, 0, $limit) as $row) {
            $orders[] = [
                'order_id' => (int)$row['ID'],
                'xml_id' => (string)$row['XML_ID'],
                'version' => (int)$row['VERSION'],
                'status_id' => (string)$row['STATUS_ID'],
                'price' => number_format((float)$row['PRICE'], 4, '.', ''),
                'payed' => (string)$row['PAYED'],
                'canceled' => (string)$row['CANCELED'],
                'date_update' => self::isoTime($row['DATE_UPDATE']),
            ];
        }
        return ['orders' => $orders, 'next_after_id' => $next];
    }

    private function reference(array $request): array
    {
        $connection = Application::getConnection();
        $statuses = [];
        $rows = $connection->query(
            "SELECT s.ID, s.SORT, l.NAME FROM b_sale_status s"
            . " LEFT JOIN b_sale_status_lang l ON l.STATUS_ID = s.ID AND l.LID = 'ru'"
            . " WHERE s.TYPE = 'O' ORDER BY s.SORT, s.ID"
        );
        while ($row = $rows->fetch()) {
            $name = (string)$row['NAME'];
            $id = (string)$row['ID'];
            $statuses[] = ['id' => $id, 'name' => $name ?: $id, 'sort' => (int)$row['SORT']];
        }
        $paySystems = [];
        $rows = $connection->query(
            "SELECT ID, NAME FROM b_sale_pay_system_action WHERE ACTIVE = 'Y' ORDER BY SORT, ID"
        );
        while ($row = $rows->fetch()) {
            $paySystems[] = ['id' => (int)$row['ID'], 'name' => (string)$row['NAME']];
        }
        $slots = [];
        foreach ($this->choices('when', 'CRM_BRIDGE_SLOT_IBLOCK_ID') as $choice) {
            preg_match('/(\d{1,2}:\d\d)\D+(\d{1,2}:\d\d)/', $choice['name'], $hours);
            $slots[] = [
                'id' => (string)$choice['id'],
                'name' => $choice['name'],
                'starts_at' => $hours[1] ?? null,
                'ends_at' => $hours[2] ?? null,
            ];
        }
        return [
            'statuses' => $statuses,
            'cities' => $this->choices('city', 'CRM_BRIDGE_CITY_IBLOCK_ID'),
            'shops' => $this->choices('shopId', 'CRM_BRIDGE_SHOP_IBLOCK_ID'),
            'slots' => $slots,
            'pay_systems' => $paySystems,
        ];
    }

    /** What an order property can be: elements of an infoblock when its id is known, else the property's variants. */
    private function choices(string $propertyCode, string $iblockConstant): array
    {
        $sql = defined($iblockConstant)
            ? 'SELECT ID AS VALUE, NAME FROM b_iblock_element WHERE IBLOCK_ID = ' . (int)constant($iblockConstant)
                . " AND ACTIVE = 'Y' AND WF_PARENT_ELEMENT_ID IS NULL ORDER BY SORT, ID"
            : 'SELECT v.VALUE, v.NAME FROM b_sale_order_props_variant v'
                . ' INNER JOIN b_sale_order_props p ON p.ID = v.ORDER_PROPS_ID'
                . " WHERE p.CODE = '" . $propertyCode . "' ORDER BY v.SORT, v.ID";
        $choices = [];
        $rows = Application::getConnection()->query($sql);
        while ($row = $rows->fetch()) {
            $value = (string)$row['VALUE'];
            // The same property exists once for every kind of payer.
            $id = ctype_digit($value) ? (int)$value : $value;
            $choices += [$value => ['id' => $id, 'name' => (string)$row['NAME']]];
        }
        return array_values($choices);
    }

    private function ping(array $request): array
    {
        $versions = [
            'bridge' => self::VERSION,
            'sale' => (string)\Bitrix\Main\ModuleManager::getVersion('sale'),
            'main' => (string)\Bitrix\Main\ModuleManager::getVersion('main'),
            'php' => PHP_VERSION,
        ];
        return ['versions' => $versions] + CvetyCrmWebhook::status();
    }

    // Single values

    private function orderId(array $request): int
    {
        return $this->identity($request['order_id'] ?? null, 'order_id');
    }

    private function identity($value, string $name, string $step = 'request', bool $orZero = false): int
    {
        $text = is_int($value) || is_string($value) ? trim((string)$value) : '';
        if (!ctype_digit($text) || strlen($text) > 18 || (!$orZero && (int)$text === 0)) {
            $message = $name . ' must be a positive number';
            throw new CvetyCrmRefusal($step === 'request' ? 400 : 422, 'bad_id', $message, $step);
        }
        return (int)$text;
    }

    private function amount($value, string $name, string $step): float
    {
        $isNumber = is_int($value) || is_float($value) || (is_string($value) && is_numeric(trim($value)));
        $number = $isNumber ? (float)$value : NAN;
        if (!is_finite($number) || $number < 0) {
            throw CvetyCrmRefusal::invalid('bad_amount', $name . ' must be a number, zero or more', $step);
        }
        return $number;
    }

    /** One settable column's value. The refusals are those of D7, made before anything is touched. */
    private function columnValue(string $column, $value)
    {
        if ($column === 'STATUS_ID') {
            return $this->checkStatus($value);
        }
        if (in_array($column, self::MONEY_COLUMNS, true)) {
            return $this->amount($value, $column, 'order');
        }
        if (in_array($column, self::ID_COLUMNS, true)) {
            return $this->idColumn($column, $value);
        }
        if (in_array($column, self::FLAG_COLUMNS, true)) {
            $flag = self::text($value);
            if ($flag !== 'Y' && $flag !== 'N') {
                throw CvetyCrmRefusal::invalid('bad_flag', $column . ' must be Y or N', 'order');
            }
            return $flag;
        }
        return $this->textColumn($column, $value);
    }

    private function textColumn(string $column, $value): string
    {
        if (!isset(self::TEXT_COLUMNS[$column])) {
            throw CvetyCrmRefusal::invalid('bad_field', $column . ' cannot be set', 'order');
        }
        $text = self::text($value);
        $longest = self::TEXT_COLUMNS[$column];
        if (mb_strlen($text) > $longest) {
            throw CvetyCrmRefusal::invalid('too_long', "$column is longer than $longest characters", 'order');
        }
        return $text;
    }

    private function idColumn(string $column, $value): ?int
    {
        return in_array($value, [null, '', 0, '0'], true) ? null : $this->identity($value, $column, 'order');
    }

    /** D7 stores any two letters as a status, those of shipments too, so it is checked here; capitals matter. */
    private function checkStatus($statusId): string
    {
        $rows = Application::getConnection()->query("SELECT ID FROM b_sale_status WHERE TYPE = 'O'")->fetchAll();
        if (!is_string($statusId) || !in_array($statusId, array_column($rows, 'ID'), true)) {
            $message = 'The site has no order status ' . CvetyCrmWebhook::encode([$statusId]);
            throw CvetyCrmRefusal::invalid('status_unknown', $message, 'status');
        }
        return $statusId;
    }

    private function properties($value): array
    {
        if ($value === null || $value === []) {
            return [];
        }
        if (!is_array($value) || array_keys($value) === range(0, count($value) - 1)) {
            throw CvetyCrmRefusal::invalid('bad_properties', 'properties must be an object', 'properties');
        }
        foreach ($value as $code => $given) {
            $value[$code] = is_array($given)
                ? array_map([self::class, 'text'], array_values($given))
                : self::text($given);
        }
        return $value;
    }

    /** The lines of a request, checked. */
    private function lines($items): array
    {
        if (!is_array($items) || !$items || array_keys($items) !== range(0, count($items) - 1)) {
            throw CvetyCrmRefusal::invalid('empty_basket', 'An order needs at least one item', 'basket');
        }
        $lines = [];
        foreach ($items as $position => $item) {
            if (!is_array($item)) {
                throw CvetyCrmRefusal::invalid('bad_item', "items[$position] must be an object", 'basket');
            }
            $quantity = $this->amount($item['quantity'] ?? null, 'items.quantity', 'basket');
            if ($quantity <= 0) {
                throw CvetyCrmRefusal::invalid('bad_amount', 'items.quantity must be above zero', 'basket');
            }
            $snapshot = is_array($item['product_snapshot'] ?? null) ? $item['product_snapshot'] : [];
            $name = self::text($snapshot['name'] ?? null);
            // Bitrix keeps 0 for goods that the catalogue no longer has.
            $productId = $item['bitrix_product_id'] ?? null ?: 0;
            $basketId = $item['bitrix_basket_id'] ?? null ?: 0;
            $lines[] = [
                'basket_id' => $this->identity($basketId, 'bitrix_basket_id', 'basket', true),
                'product_id' => $this->identity($productId, 'bitrix_product_id', 'basket', true),
                'quantity' => $quantity,
                'price' => $this->amount($item['price'] ?? null, 'items.price', 'basket'),
                'base_price' => isset($item['base_price'])
                    ? $this->amount($item['base_price'], 'items.base_price', 'basket')
                    : null,
                'name' => $name === '' ? null : mb_substr($name, 0, 255),
                'currency' => self::text($snapshot['currency'] ?? null) ?: self::CURRENCY,
            ];
        }
        return $lines;
    }

    private static function lineSum(array $line): float
    {
        return $line['price'] * $line['quantity'];
    }

    /** `since` in the form of the column DATE_UPDATE, which is in the server's time. */
    private function moment($since): ?string
    {
        if ($since === null || $since === '') {
            return null;
        }
        $isIso = is_string($since)
            && preg_match('/^\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d)?)?$/', $since);
        $isSeconds = is_int($since) || is_float($since);
        try {
            if (!$isIso && !($isSeconds && abs($since) < 1e11)) {
                throw new \InvalidArgumentException();
            }
            // A time without an offset is the shop's.
            $moment = new \DateTime($isIso ? $since : '@' . (int)$since, new \DateTimeZone('Asia/Almaty'));
        } catch (\Exception $error) {
            throw CvetyCrmRefusal::badRequest('bad_since', 'since must be unix seconds or an ISO 8601 time');
        }
        return $moment->setTimezone(new \DateTimeZone(date_default_timezone_get()))->format('Y-m-d H:i:s');
    }

    private static function isoTime($value): ?string
    {
        if ($value instanceof \Bitrix\Main\Type\DateTime) {
            return $value->format('Y-m-d\TH:i:sP');
        }
        return $value ? (new \DateTime((string)$value))->format('Y-m-d\TH:i:sP') : null;
    }

    /** As Bitrix keeps a text: null is empty, a flag is Y or N. */
    private static function text($value): string
    {
        if (is_bool($value)) {
            return $value ? 'Y' : 'N';
        }
        return is_scalar($value) ? (string)$value : '';
    }

    private static function differs($one, $other): bool
    {
        return abs((float)$one - (float)$other) >= 0.00005;
    }

    // Rows, locks, steps

    private function row(int $id): ?array
    {
        return $this->orderRow('ID = ' . $id);
    }

    private function rowByXmlId(string $xmlId): ?array
    {
        return $this->orderRow("XML_ID = '" . Application::getConnection()->getSqlHelper()->forSql($xmlId) . "'");
    }

    private function orderRow(string $where): ?array
    {
        $sql = 'SELECT ID, ACCOUNT_NUMBER, VERSION, STATUS_ID, RUNNING FROM b_sale_order WHERE ' . $where;
        return Application::getConnection()->query($sql . ' ORDER BY ID LIMIT 1')->fetch() ?: null;
    }

    private function find(int $id): array
    {
        $row = $this->row($id);
        if (!$row) {
            throw self::notFound((string)$id);
        }
        return $row;
    }

    private function load(int $id): Order
    {
        $order = Order::load($id);
        if (!$order) {
            throw self::notFound((string)$id);
        }
        return $order;
    }

    private static function notFound(string $what): CvetyCrmRefusal
    {
        return new CvetyCrmRefusal(404, 'order_not_found', 'Order ' . $what . ' does not exist', 'order');
    }

    private static function versionAnswer(array $row): array
    {
        return ['order_id' => (int)$row['ID'], 'version' => (int)$row['VERSION']];
    }

    private function locked(string $name, callable $work): array
    {
        $connection = Application::getConnection();
        if (!$connection->lock($name, self::LOCK_SECONDS)) {
            throw new CvetyCrmRefusal(503, 'busy', 'Another request is working on this order', 'lock');
        }
        try {
            return $work();
        } finally {
            $connection->unlock($name);
        }
    }

    private function step(string $name): void
    {
        $this->step = $name;
        $this->steps[] = $name;
    }

    /** Every Result is looked at: an error in one does not keep Bitrix from saving the order afterwards. */
    private function check(\Bitrix\Main\Result $result, string $before = ''): void
    {
        if (!$result->isSuccess()) {
            $message = $before . implode('; ', $result->getErrorMessages());
            throw CvetyCrmRefusal::invalid('refused', $message, $this->step);
        }
    }

    /** One line a request, to Bitrix's log. Ids and steps only, no persons and no tokens. */
    private function log(string $about, int $status, float $started, string $error): void
    {
        if (defined('LOG_FILENAME') && function_exists('AddMessage2Log')) {
            $milliseconds = (microtime(true) - $started) * 1000;
            $text = sprintf('%s: %d, %d ms; %s', $about, $status, $milliseconds, implode(' > ', $this->steps));
            $text .= $error === '' ? '' : '; ' . $error;
            AddMessage2Log($text . ($this->warnings ? '; ' . implode(' | ', $this->warnings) : ''), 'cvety.crm', 0);
        }
    }
}

/** The request itself: what comes before the actions and after them. */
final class CvetyCrmBridgeDoor
{
    const LARGEST_BODY = 1048576;
    const REASONS = [
        200 => 'OK', 400 => 'Bad Request', 401 => 'Unauthorized', 404 => 'Not Found', 409 => 'Conflict',
        422 => 'Unprocessable Entity', 500 => 'Internal Server Error', 503 => 'Service Unavailable',
    ];

    private static $isAnswered = false;

    /** Before Bitrix is there. */
    public static function open(): void
    {
        // Whatever Bitrix, a template or a notice prints must not stand before the JSON.
        ob_start();
        register_shutdown_function([self::class, 'answerAfterAll']);
        foreach (['NO_KEEP_STATISTIC', 'NO_AGENT_CHECK', 'NOT_CHECK_PERMISSIONS', 'STOP_STATISTICS'] as $constant) {
            defined($constant) || define($constant, true);
        }
        if (empty($_SERVER['DOCUMENT_ROOT'])) {
            $_SERVER['DOCUMENT_ROOT'] = dirname(__DIR__, 2);
        }
    }

    /** After it. */
    public static function handle(): void
    {
        // Bitrix asks it who has taken a payment, without looking whether it is there.
        if (!is_object($GLOBALS['USER'] ?? null)) {
            $GLOBALS['USER'] = new \CUser();
        }
        if (!class_exists('CvetyCrmWebhook', false)) {
            define('CVETY_CRM_ONLY_READ', true);
            require_once __DIR__ . '/crm-webhook.php';
        }
        $length = (int)($_SERVER['CONTENT_LENGTH'] ?? 0);
        if ($length > self::LARGEST_BODY) {
            $answer = self::refuse(400, 'bad_length', 'Content-Length up to 1 MB is needed', 'request');
        } elseif (($_SERVER['REQUEST_METHOD'] ?? '') !== 'POST') {
            $answer = self::refuse(400, 'bad_method', 'POST is needed', 'request');
        } elseif (!self::tokens()) {
            $answer = self::refuse(401, 'unauthorized', 'CRM_BRIDGE_TOKEN is not defined on the site', 'auth');
        } elseif (!self::isAuthorized()) {
            $answer = self::refuse(401, 'unauthorized', 'Wrong or missing X-API-TOKEN', 'auth');
        } else {
            $answer = (new CvetyCrmBridge())->answer((string)file_get_contents('php://input'));
        }
        self::send($answer[0], $answer[1]);
    }

    private static function refuse(int $status, string $code, string $message, string $step): array
    {
        return [$status, CvetyCrmBridge::errorAnswer(new CvetyCrmRefusal($status, $code, $message, $step))];
    }

    /** Several, separated by commas, while one is being replaced by another. */
    private static function tokens(): array
    {
        $tokens = defined('CRM_BRIDGE_TOKEN') ? explode(',', (string)CRM_BRIDGE_TOKEN) : [];
        return array_values(array_filter(array_map('trim', $tokens), 'strlen'));
    }

    private static function isAuthorized(): bool
    {
        $given = (string)($_SERVER['HTTP_X_API_TOKEN'] ?? '');
        $isGood = false;
        foreach (self::tokens() as $token) {
            $isGood = hash_equals($token, $given) || $isGood;
        }
        return $isGood;
    }

    /** The answer, and then Bitrix's end of a request: without it background jobs would never run. */
    private static function send(int $status, array $answer): void
    {
        self::$isAnswered = true;
        $json = CvetyCrmWebhook::encode($answer);
        while (@ob_end_clean()) {
            continue;
        }
        http_response_code($status);
        if (!headers_sent()) {
            header('Content-Type: application/json; charset=utf-8');
        }
        // Bitrix writes the headers of its own response object over those above.
        $response = \Bitrix\Main\Context::getCurrent()->getResponse();
        $response->setStatus($status . ' ' . self::REASONS[$status]);
        $response->addHeader('Content-Type', 'application/json; charset=utf-8');
        if ($status === 503) {
            $response->addHeader('Retry-After', '5');
        }
        \CMain::FinalActions($json);
    }

    /** When PHP or Bitrix ended the request before there was an answer: no memory, no database. */
    public static function answerAfterAll(): void
    {
        if (self::$isAnswered) {
            return;
        }
        while (@ob_end_clean()) {
            continue;
        }
        if (!headers_sent()) {
            http_response_code(500);
            header('Content-Type: application/json; charset=utf-8');
        }
        $error = ['code' => 'internal', 'message' => 'The site broke off the request', 'step' => 'internal'];
        echo json_encode(['success' => false, 'error' => $error]);
    }
}

CvetyCrmBridgeDoor::open();
require $_SERVER['DOCUMENT_ROOT'] . '/bitrix/modules/main/include/prolog_before.php';
CvetyCrmBridgeDoor::handle();
