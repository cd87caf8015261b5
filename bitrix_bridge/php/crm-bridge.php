<?php
/**
 * The endpoint through which Cvety CRM reads and changes the orders of this site: POST, JSON, header X-API-TOKEN.
 *
 * It must be in the same directory as crm-webhook.php, for example in /local/cvety-crm/. README.md describes the steps.
 * All changes use Bitrix's own classes (D7), so that versions, history, payments and handlers of the site work as after
 * any other save.
 *
 * PHP 7.4 to 8.3, Bitrix main and sale from 20.0.
 */

use Bitrix\Main\Application;
use Bitrix\Main\Loader;
use Bitrix\Sale\Basket;
use Bitrix\Sale\Delivery\Services\Manager as DeliveryManager;
use Bitrix\Sale\Order;
use Bitrix\Sale\PaySystem\Manager as PaySystemManager;

/** A refusal of the site. It is returned as `error` in the response. */
final class CvetyCrmRefusal extends \Exception
{
    public $httpStatus;
    public $errorCode;
    public $step;

    /** The current state of the order, if a comparison failed. */
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

/** The catalogue no longer sells an item of the order, or not in this quantity. */
final class CvetyCrmShortage extends \Exception
{
    public $basketId;

    public function __construct(int $basketId, string $message)
    {
        parent::__construct($message);
        $this->basketId = $basketId;
    }
}

/**
 * Store the responses to the CRM's requests, so that a request whose response was lost is not executed twice. The
 * caller of a method must have locked the order.
 */
final class CvetyCrmDone
{
    const TABLE = 'cvety_crm_done';
    const KEEP_SECONDS = 30 * 86400;

    /** Return the earlier response to this request (version, warnings, refused), or null if it was not executed. */
    public static function answer(string $eventId, int $orderId): ?array
    {
        if ($eventId === '') {
            return null;
        }
        self::install();
        $row = Application::getConnection()->query(
            'SELECT VERSION, ANSWER FROM ' . self::TABLE . " WHERE ID = '" . $eventId . "' AND ORDER_ID = " . $orderId
        )->fetch();
        if (!$row) {
            return null;
        }
        $said = json_decode((string)$row['ANSWER'], true);
        return ['version' => (int)$row['VERSION']] + (is_array($said) ? $said : []);
    }

    public static function note(string $eventId, int $orderId, int $version, array $said): void
    {
        if ($eventId === '') {
            return;
        }
        $connection = Application::getConnection();
        $now = time();
        // The response is stored in ASCII, because the connection may use MySQL's three-byte utf8.
        $said = $connection->getSqlHelper()->forSql((string)json_encode($said, JSON_PARTIAL_OUTPUT_ON_ERROR));
        $connection->queryExecute(
            'INSERT INTO ' . self::TABLE . ' (ID, ORDER_ID, VERSION, DONE_AT, ANSWER)'
            . " VALUES ('$eventId', $orderId, $version, $now, '$said')"
        );
        if (mt_rand(1, 100) === 1) {
            $connection->queryExecute('DELETE FROM ' . self::TABLE . ' WHERE DONE_AT < ' . ($now - self::KEEP_SECONDS));
        }
    }

    private static function install(): void
    {
        $connection = Application::getConnection();
        $connection->queryExecute(
            'CREATE TABLE IF NOT EXISTS ' . self::TABLE . ' ('
            . 'ID VARCHAR(64) NOT NULL, '
            . 'ORDER_ID INT NOT NULL, '
            . 'VERSION INT NOT NULL, '
            . 'DONE_AT INT NOT NULL, '
            . 'ANSWER MEDIUMTEXT NULL, '
            . 'PRIMARY KEY (ID), '
            . 'KEY IX_CVETY_CRM_DONE_AT (DONE_AT)'
            . ') ENGINE=InnoDB DEFAULT CHARSET=utf8mb4'
        );
        if (!array_key_exists('ANSWER', $connection->getTableFields(self::TABLE))) {
            // The table may have the columns of version 1.1.
            $connection->queryExecute('ALTER TABLE ' . self::TABLE . ' ADD COLUMN ANSWER MEDIUMTEXT NULL');
        }
    }
}

/** Allocate an agreed sum to the prices of an order's items. Amounts are computed in hundredths of KZT (tiyn). */
final class CvetyCrmPrices
{
    /**
     * Change the prices of the items in proportion, so that the items together cost `$goods` KZT.
     *
     * Whole prices are changed to whole prices. The sum is exact: if the remainder can't be added to the price of an
     * item of one piece, pieces of an item become a separate item.
     */
    public static function spread(array $lines, float $goods): array
    {
        $wanted = (int)round($goods * 100);
        $sums = [];
        $isWhole = $wanted % 100 === 0;
        foreach ($lines as $line) {
            $sums[] = (int)round($line['price'] * $line['quantity'] * 100);
            $isWhole = $isWhole && (int)round($line['price'] * 100) % 100 === 0;
        }
        if (!$lines || array_sum($sums) === $wanted) {
            return $lines;
        }
        $step = $isWhole ? 100 : 1;
        $targets = self::shares($wanted, $sums, $step);
        $isLess = $wanted < array_sum($sums);
        $left = 0;
        foreach ($lines as $i => $line) {
            $quantity = (float)$line['quantity'];
            if ($quantity === 1.0) {
                continue;
            }
            $isCountable = floor($quantity) === $quantity;
            $share = max($targets[$i] + $left, 0);
            $unit = $isCountable ? (int)(floor($share / $quantity / $step) * $step) : (int)round($share / $quantity);
            $left = $share - (int)round($unit * $quantity);
            $lines[$i]['price'] = (float)($unit / 100);
        }
        foreach ($lines as $i => $line) {
            if ((float)$line['quantity'] === 1.0) {
                // When the sum falls, no price may rise: the result would not look like a discount.
                $more = min($left, $isLess ? max($sums[$i] - $targets[$i], 0) : PHP_INT_MAX);
                $left -= $more;
                $lines[$i]['price'] = (float)(($targets[$i] + $more) / 100);
            }
        }
        if ($left <= 0) {
            return $lines;
        }
        $splittable = null;
        foreach ($lines as $i => $line) {
            $quantity = (float)$line['quantity'];
            if ($quantity > 1 && floor($quantity) === $quantity) {
                $unit = (int)round($line['price'] * 100);
                $fits = $left / $step < $quantity && (!$isLess || ($unit + $step) * $quantity <= $sums[$i]);
                $splittable = $fits || $splittable === null ? $i : $splittable;
            }
        }
        return $splittable === null ? $lines : self::split($lines, $splittable, $left, $step);
    }

    /** Divide `$whole` in proportion to `$weights`, in steps, with the method of the largest remainders. */
    private static function shares(int $whole, array $weights, int $step): array
    {
        $all = array_sum($weights);
        if ($all <= 0) {
            $weights = array_fill(0, count($weights), 1);
            $all = count($weights);
        }
        $shares = [];
        $remainders = [];
        foreach ($weights as $i => $weight) {
            $exact = $whole / $all * $weight;
            $shares[$i] = (int)(floor($exact / $step) * $step);
            $remainders[$i] = $exact - $shares[$i];
        }
        arsort($remainders);
        $left = $whole - array_sum($shares);
        foreach (array_keys($remainders) as $i) {
            $more = min($step, $left);
            $shares[$i] += $more;
            $left -= $more;
        }
        return $shares;
    }

    /**
     * Raise the price of pieces of an item by one step, for as many pieces as `$left` pays for. They become a new item.
     */
    private static function split(array $lines, int $position, int $left, int $step): array
    {
        $line = $lines[$position];
        $pieces = min(max((int)round($left / $step), 1), (int)$line['quantity'] - 1);
        $dearer = ['basket_id' => 0, 'quantity' => (float)$pieces] + $line;
        $dearer['price'] = (float)($line['price'] + $left / $pieces / 100);
        $lines[$position]['quantity'] = $line['quantity'] - $pieces;
        array_splice($lines, $position + 1, 0, [$dearer]);
        return $lines;
    }
}

/** The actions. One object serves one request. */
final class CvetyCrmBridge
{
    const VERSION = '1.2';
    const CURRENCY = 'KZT';
    const LIST_LIMIT = 100;
    const LIST_LIMIT_MOST = 500;
    const LOCK_SECONDS = 10;

    const ACTIONS = [
        'order.create' => 'createOrder',
        'order.status' => 'changeStatus',
        'order.update' => 'updateOrder',
        'order.delete' => 'deleteOrder',
        'order.get' => 'getOrder',
        'order.list' => 'listOrders',
        'reference' => 'reference',
        'ping' => 'ping',
    ];

    /** The request's own names for properties. The same property in `properties` has precedence. */
    const PROPERTY_OF_REQUEST_KEY = [
        'recipient_name' => 'nameRecipient',
        'recipient_phone' => 'phoneRecipient',
        'delivery_address' => 'addressRecipient',
        'delivery_date' => 'data',
        'postcard_text' => 'postcardText',
    ];

    /** The lengths of columns of b_sale_order. MySQL refuses longer values in strict mode, or else truncates them. */
    const TEXT_COLUMNS = [
        'USER_DESCRIPTION' => 2000, 'COMMENTS' => 65535, 'REASON_CANCELED' => 255, 'ADDITIONAL_INFO' => 255,
        'XML_ID' => 255, 'TRACKING_NUMBER' => 255, 'ORDER_TOPIC' => 255,
    ];
    const MONEY_COLUMNS = ['PRICE', 'PRICE_DELIVERY', 'DISCOUNT_VALUE'];
    const FLAG_COLUMNS = ['PAYED', 'CANCELED', 'MARKED', 'EXTERNAL_ORDER'];
    const ID_COLUMNS = ['RESPONSIBLE_ID', 'PAY_SYSTEM_ID', 'DELIVERY_ID', 'COMPANY_ID', 'EMP_STATUS_ID'];

    /** Columns that belong to a part of the order or are computed. The order's setField() does not set them. */
    const COLUMNS_OF_PARTS = [
        'PRICE', 'PRICE_DELIVERY', 'DISCOUNT_VALUE', 'PAYED', 'CANCELED', 'REASON_CANCELED', 'PAY_SYSTEM_ID',
        'DELIVERY_ID', 'TRACKING_NUMBER', 'STATUS_ID',
    ];

    /** The maximum length of a property in Bitrix. The definition of a property may allow less. */
    const LONGEST_PROPERTY = 500;

    /** The prefixes of XML_ID of orders made in the CRM, and of orders that the site check creates and deletes. */
    const CRM_PREFIX = 'crm-';
    const CHECK_PREFIX = 'crm-check-';

    private $step = 'request';
    private $steps = [];

    /** Parts that were not executed exactly as requested, and other information: code, message, further keys. */
    private $warnings = [];

    /** Parts that were refused although the other parts were executed: what, code, message, step. */
    private $refused = [];
    private $firstRefusal;

    /** Texts that the site has stored in a different form than in the request: what, value. */
    private $held = [];

    /** Return the HTTP status and the response to a request whose token was already checked. */
    public function answer(string $body): array
    {
        $started = microtime(true);
        $about = '-';
        try {
            $request = json_decode($body, true);
            if ($request === null) {
                throw CvetyCrmRefusal::badRequest('bad_json', 'The body is not JSON');
            }
            // json_decode() returns the same array for [] and {}, so check the string too.
            if (!is_array($request) || substr(ltrim($body), 0, 1) !== '{') {
                throw CvetyCrmRefusal::badRequest('bad_request', 'The request must be a JSON object');
            }
            // A body without an action is a request to create an order, in the format of the site's earlier endpoint.
            $action = array_key_exists('action', $request) ? $request['action'] : 'order.create';
            if (!is_string($action) || !isset(self::ACTIONS[$action])) {
                $message = 'Unknown action ' . CvetyCrmWebhook::encode([$action]);
                throw CvetyCrmRefusal::badRequest('unknown_action', $message);
            }
            $about = $action . ' ' . CvetyCrmWebhook::encode([$request['order_id'] ?? $request['xml_id'] ?? null]);
            if (!Loader::includeModule('sale') || !Loader::includeModule('catalog')) {
                throw new CvetyCrmRefusal(500, 'no_module', 'The modules sale and catalog are needed', 'request');
            }
            $answer = ['success' => true] + $this->{self::ACTIONS[$action]}($request) + $this->said();
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

    /** Return the warnings, the refusals and the damaged texts of the response. */
    private function said(): array
    {
        return array_filter(['warnings' => $this->warnings, 'refused' => $this->refused, 'held' => $this->held]);
    }

    /**
     * Compare the texts of a request with the texts that the database has stored, right after the save and in its lock.
     *
     * A column may lack the letters or the length, and a handler of the site may change a text. The CRM keeps its own
     * text then, and does not take the stored one for a change made by staff of the site.
     */
    private function noteHeld(int $id, array $fields, array $properties): void
    {
        $asked = [];
        $stored = [];
        $row = Application::getConnection()->query(
            'SELECT USER_DESCRIPTION, COMMENTS FROM b_sale_order WHERE ID = ' . $id
        )->fetch();
        foreach (array_intersect_key($fields, $row ?: []) as $column => $text) {
            $asked['fields.' . $column] = $text;
            $stored['fields.' . $column] = (string)$row[$column];
        }
        $present = $properties ? CvetyCrmWebhook::properties($id) : [];
        foreach (array_intersect_key($properties, $present) as $code => $text) {
            $asked['properties.' . $code] = $text;
            $stored['properties.' . $code] = $present[$code];
        }
        foreach (array_diff_key($asked, array_flip(array_column($this->refused, 'what'))) as $what => $text) {
            if (is_string($text) && is_string($stored[$what]) && $stored[$what] !== $text) {
                $this->held[] = ['what' => $what, 'value' => $stored[$what]];
            }
        }
    }

    private function warn(string $code, string $message, array $more = []): void
    {
        $warning = ['code' => $code, 'message' => $message] + $more;
        if (!in_array($warning, $this->warnings, true)) {
            $this->warnings[] = $warning;
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
        // The index on XML_ID is not unique, so the search and the creation need a common lock.
        return $this->locked('cvety_crm_create_' . md5($xmlId), function () use ($request, $xmlId): array {
            $row = $this->rowByXmlId($xmlId);
            if ($row) {
                if ($row['RUNNING'] === 'Y') {
                    $this->warn('unfinished', 'Прежняя попытка создать этот заказ прервалась: проверьте его на сайте');
                }
                // The first response was lost, so report again which properties the site refused.
                $order = $this->load((int)$row['ID']);
                foreach ($this->requestedProperties($request) as $code => $value) {
                    $this->propertyFor($order, (string)$code, $value);
                }
                return self::createdAnswer($row, false);
            }
            $archived = $this->archivedId(self::xmlIdIs($xmlId));
            if ($archived > 0) {
                $row = ['ID' => $archived, 'ACCOUNT_NUMBER' => '', 'VERSION' => 0];
                return self::createdAnswer($row, false) + ['archived' => true];
            }
            $deleted = CvetyCrmWebhook::waitingDeletion($xmlId);
            if ($deleted > 0) {
                // The order was created and then deleted by staff of the site. The CRM does not know this and must not
                // create the order again.
                $row = ['ID' => $deleted, 'ACCOUNT_NUMBER' => '', 'VERSION' => 0];
                return self::createdAnswer($row, false) + ['deleted' => true];
            }
            return $this->buildOrder($request, $xmlId);
        });
    }

    private function requestedProperties(array $request): array
    {
        $properties = $this->properties($request['properties'] ?? null);
        foreach (self::PROPERTY_OF_REQUEST_KEY as $key => $code) {
            if (isset($request[$key])) {
                $properties += [$code => self::text($request[$key])];
            }
        }
        return $properties;
    }

    private function buildOrder(array $request, string $xmlId): array
    {
        $properties = $this->requestedProperties($request);
        $statusId = $this->checkStatus($request['status_id'] ?? null ?: 'N');
        $fee = $this->amount($request['delivery_fee'] ?? 0, 'delivery_fee', 'order');
        $discount = $this->amount($request['discount_amount'] ?? 0, 'discount_amount', 'order');
        $total = $request['total_amount'] ?? null;
        $total = $total === null ? null : $this->amount($total, 'total_amount', 'order');
        $lines = $this->lines($request['items'] ?? null);
        $goods = $total === null
            ? max(array_sum(array_map([self::class, 'lineSum'], $lines)) - $discount, 0.0)
            : $this->goodsOf($total, $fee);
        // The agreed sum is allocated to the prices, because the next recalculation by Bitrix would overwrite a total
        // that differs from the sum of the items.
        $lines = CvetyCrmPrices::spread(self::withListPrices($lines), $goods);
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
        // The person type is set before the properties, because it decides which properties exist.
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
            $this->warn('no_delivery', 'На сайте нет службы доставки ' . $deliveryId);
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
            $sum = ['SUM' => (float)$order->getPrice(), 'CURRENCY' => self::CURRENCY];
            $this->check($payment->setFields($sum));
        } elseif ($paySystemId) {
            $message = 'На сайте нет платёжной системы ' . $paySystemId . ': заказ создан без оплаты';
            $this->warn('no_pay_system', $message);
        }

        // Properties are set after the shipment and the payment: some exist only for certain shipments and payments.
        $this->step('properties');
        foreach ($properties as $code => $value) {
            $this->setProperty($order, (string)$code, $value);
        }

        $this->step('total');
        $this->check($order->doFinalAction(true));
        if ($payment && self::differs($payment->getField('SUM'), $order->getPrice())) {
            $this->check($payment->setField('SUM', (float)$order->getPrice()));
        }
        $this->noteTotal($order, $goods + $fee);
        $this->noteDiscount($order);
        if ($statusId !== 'N') {
            $this->step('status');
            $this->check($order->setField('STATUS_ID', $statusId));
        }

        $this->save($order);
        $row = $this->row((int)$order->getId());
        if (!$row) {
            throw new CvetyCrmRefusal(500, 'not_saved', 'Bitrix reported no error, but there is no order', 'save');
        }
        $this->noteHeld((int)$row['ID'], $texts, $properties);
        return self::createdAnswer($row, true);
    }

    /** Add the list price to new items: the list price in the request, or the price before the discount. */
    private static function withListPrices(array $lines): array
    {
        return array_map(function (array $line): array {
            return ['base_price' => max($line['base_price'] ?? 0.0, $line['price'])] + $line;
        }, $lines);
    }

    /** Return the sum that the items must cost in an order with this total. */
    private function goodsOf(float $total, float $fee): float
    {
        if ($total - $fee < -0.005) {
            throw CvetyCrmRefusal::invalid('bad_total', 'Сумма заказа меньше стоимости доставки', 'order');
        }
        return max($total - $fee, 0.0);
    }

    private function noteTotal(Order $order, float $total): void
    {
        if (self::differs($order->getPrice(), $total, 0.005)) {
            $present = self::money((float)$order->getPrice());
            $message = 'Сайт посчитал сумму заказа по-своему: ' . $present . ' вместо ' . self::money($total)
                . '. Проверьте на сайте налоги и правила скидок';
            $this->warn('total_differs', $message);
        }
    }

    /** Set DISCOUNT_VALUE to the discount in the prices of the items. Bitrix computes no discount for custom prices. */
    private function noteDiscount(Order $order): void
    {
        $discount = 0.0;
        foreach (self::boughtItems($order) as $item) {
            $less = (float)$item->getField('BASE_PRICE') - (float)$item->getField('PRICE');
            $discount += max($less, 0.0) * (float)$item->getQuantity();
        }
        if (self::differs($order->getField('DISCOUNT_VALUE'), $discount)) {
            $order->setFieldNoDemand('DISCOUNT_VALUE', $discount);
        }
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

    /** Return the user of the order: the requested user, a user with this phone, a new user, or the anonymous user. */
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
                // Phones are stored as typed: +7 (701) …, 8701…, with spaces and dashes.
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
        // On many sites, the column must not be empty. No one can own a domain under .invalid, so no mail is delivered.
        $addresses = ['noemail' . $digits . '@noemail.invalid'];
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
        $why = trim(strip_tags((string)$user->LAST_ERROR));
        $this->warn('no_user', 'Покупатель на сайте не создан, заказ оформлен на анонимного: ' . $why);
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
            $message = 'На сайте не найден тип плательщика: задайте CRM_BRIDGE_PERSON_TYPE_ID';
            throw CvetyCrmRefusal::invalid('no_person_type', $message, 'order');
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
            // If the order already has the status, the request succeeds, so that it can be repeated.
            if ((string)$row['STATUS_ID'] === $wanted) {
                return self::versionAnswer($row);
            }
            $this->compare($row, $expected);
            $this->step('status');
            $order = $this->load($id);
            $this->check($order->setField('STATUS_ID', $wanted));
            // Staff of the site do not use this lock, so compare again, as late as possible.
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
            $message = 'Заказ на сайте в статусе ' . $present . ', ожидался ' . $expected;
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
        $expected = self::text($request['expected_status_id'] ?? null);
        $work = function () use ($request, $id, $fields, $properties, $eventId, $expected): array {
            $row = $this->find($id);
            $done = CvetyCrmDone::answer($eventId, $id);
            if ($done !== null) {
                return ['order_id' => $id, 'repeated' => true] + $done;
            }
            $isStatusSet = isset($fields['STATUS_ID']) && (string)$row['STATUS_ID'] !== $fields['STATUS_ID'];
            if ($isStatusSet) {
                $this->compare($row, $expected);
            }
            $lines = isset($request['items']) ? $this->lines($request['items']) : null;
            $order = $this->changed($id, $this->parts($fields, $properties, $lines));
            if ($order->isChanged()) {
                if ($isStatusSet) {
                    // Staff of the site do not use this lock, so compare again, as late as possible.
                    $this->compare($this->find($id), $expected !== '' ? (string)$row['STATUS_ID'] : '');
                }
                $this->save($order);
            }
            $answer = self::versionAnswer($this->find($id));
            $this->noteHeld($id, $fields, $properties);
            CvetyCrmDone::note($eventId, $id, $answer['version'], $this->said());
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

    /**
     * Apply the parts of a request to the order in memory. After a refused part, the other parts are still applied.
     *
     * A refused part may have changed a part of the order, so the order is loaded again and the other parts are
     * repeated. Throw the refusal if no part is left.
     */
    private function changed(int $id, array $parts): Order
    {
        $warnings = $this->warnings;
        $withoutCatalogue = [];
        while (true) {
            $this->warnings = $warnings;
            $order = $this->load($id);
            $this->leaveCatalogue($order, $withoutCatalogue);
            $failed = null;
            foreach ($parts as $part) {
                try {
                    $this->step($part['step']);
                    $part['do']($order);
                } catch (CvetyCrmShortage $shortage) {
                    if (!isset($withoutCatalogue[$shortage->basketId])) {
                        $withoutCatalogue[$shortage->basketId] = $shortage->getMessage();
                        self::forget($order);
                        continue 2;
                    }
                    $failed = CvetyCrmRefusal::invalid('out_of_catalogue', $shortage->getMessage(), $part['step']);
                } catch (CvetyCrmRefusal $refusal) {
                    $failed = $refusal;
                }
                if ($failed) {
                    $parts = $this->withoutRefused($parts, $part, $failed);
                    $withoutCatalogue = $part['step'] === 'basket' ? [] : $withoutCatalogue;
                    self::forget($order);
                    continue 2;
                }
            }
            return $order;
        }
    }

    /** Return the parts that were not refused. Throw the refusal if no requested part is left. */
    private function withoutRefused(array $parts, array $refused, CvetyCrmRefusal $refusal): array
    {
        foreach ($refused['what'] as $what) {
            $this->refuse($what, $refusal);
        }
        $left = array_filter($parts, function (array $part) use ($refused): bool {
            return $part['what'] !== $refused['what'];
        });
        if (!$refused['what'] || !array_filter(array_column($left, 'what'))) {
            $this->refused = [];
            throw $this->firstRefusal ?: $refusal;
        }
        $this->firstRefusal = $this->firstRefusal ?: $refusal;
        return $left;
    }

    private function refuse(string $what, CvetyCrmRefusal $refusal): void
    {
        $this->refused[] = [
            'what' => $what,
            'code' => $refusal->errorCode,
            'message' => $refusal->getMessage(),
            'step' => $refusal->step,
        ];
    }

    /** Delete the account bookings that Bitrix stores for the whole process, even for an order that is not saved. */
    private static function forget(Order $order): void
    {
        $pool = \Bitrix\Sale\Internals\UserBudgetPool::getUserBudgetPool($order->getUserId());
        foreach (array_keys($pool->get() ?: []) as $key) {
            $pool->delete($key);
        }
    }

    /**
     * Detach items that the catalogue would refuse, so that their agreed price and quantity are not changed.
     *
     * An item reads its provider only once, so this must be called before any other change of a loaded order.
     */
    private function leaveCatalogue(Order $order, array $reasons): void
    {
        foreach ($reasons ? $order->getBasket() : [] as $item) {
            $reason = $reasons[(int)$item->getId()] ?? null;
            if ($reason !== null) {
                $item->setFieldNoDemand('PRODUCT_PROVIDER_CLASS', '');
                $this->warnShortage((int)$item->getProductId(), (string)$item->getField('NAME'), $reason);
            }
        }
    }

    private function warnShortage(int $productId, string $name, string $why): void
    {
        $message = 'Товара «' . $name . '» сейчас нельзя продать на сайте, строка заказа оставлена как договорились. '
            . 'Ответ сайта: ' . $why;
        $this->warn('out_of_catalogue', $message, ['product_id' => $productId]);
    }

    /**
     * Return the parts of a request that the site may refuse separately.
     *
     * Their sequence matters: Bitrix changes no parts of a cancelled order and does not cancel a paid order.
     */
    private function parts(array $fields, array $properties, ?array $lines): array
    {
        $parts = [];
        $add = function (string $step, array $what, callable $do) use (&$parts): void {
            $parts[] = ['step' => $step, 'what' => $what, 'do' => $do];
        };
        $columns = function (string ...$names) use ($fields): array {
            return array_map(function (string $name): string {
                return 'fields.' . $name;
            }, array_values(array_intersect($names, array_keys($fields))));
        };
        if (($fields['CANCELED'] ?? '') === 'N') {
            $add('cancel', $columns('CANCELED', 'REASON_CANCELED'), function (Order $order): void {
                $this->cancel($order, 'N', '');
            });
        }
        // The payment is cancelled before other changes: the sum and the pay system of a paid payment can't be changed.
        if (($fields['PAYED'] ?? '') === 'N') {
            $add('payment', $columns('PAYED'), function (Order $order): void {
                $this->takePaymentBack($order);
            });
        }
        foreach (array_diff_key($fields, array_flip(self::COLUMNS_OF_PARTS)) as $column => $value) {
            $add('order', ['fields.' . $column], function (Order $order) use ($column, $value): void {
                $this->setColumn($order, $column, $value);
            });
        }
        foreach ($properties as $code => $value) {
            $add('properties', ['properties.' . $code], function (Order $order) use ($code, $value): void {
                $this->setProperty($order, (string)$code, $value, true);
            });
        }
        $this->addMoneyParts($add, $columns, $fields, $lines);
        if (isset($fields['TRACKING_NUMBER'])) {
            $add('shipment', $columns('TRACKING_NUMBER'), function (Order $order) use ($fields): void {
                $this->changeShipment($order, ['TRACKING_NUMBER' => $fields['TRACKING_NUMBER']]);
            });
        }
        if (!empty($fields['PAY_SYSTEM_ID'])) {
            $add('payment', $columns('PAY_SYSTEM_ID'), function (Order $order) use ($fields): void {
                $this->changePayment($order, (int)$fields['PAY_SYSTEM_ID']);
            });
        }
        if (($fields['PAYED'] ?? '') === 'Y') {
            $add('payment', $columns('PAYED'), function (Order $order): void {
                $this->pay($order);
            });
        }
        // The status is set after the payment, because the site's options may set a status after a payment.
        if (isset($fields['STATUS_ID'])) {
            $add('status', $columns('STATUS_ID'), function (Order $order) use ($fields): void {
                $this->setColumn($order, 'STATUS_ID', $fields['STATUS_ID']);
            });
        }
        if (($fields['CANCELED'] ?? '') === 'Y') {
            $add('cancel', $columns('CANCELED', 'REASON_CANCELED'), function (Order $order) use ($fields): void {
                $this->cancel($order, 'Y', $fields['REASON_CANCELED'] ?? '');
            });
        } elseif (isset($fields['REASON_CANCELED']) && !isset($fields['CANCELED'])) {
            $add('order', $columns('REASON_CANCELED'), function (Order $order) use ($fields): void {
                $this->setColumn($order, 'REASON_CANCELED', $fields['REASON_CANCELED']);
            });
        }
        return $parts;
    }

    /** Add items, delivery and total. The delivery is added twice, because increases come first (`replaceLines`). */
    private function addMoneyParts(callable $add, callable $columns, array $fields, ?array $lines): void
    {
        $delivery = array_intersect_key($fields, ['PRICE_DELIVERY' => 1, 'DELIVERY_ID' => 1]);
        $isDearer = function (Order $order) use ($delivery): bool {
            return (float)($delivery['PRICE_DELIVERY'] ?? 0) >= (float)$order->getField('PRICE_DELIVERY');
        };
        if ($delivery) {
            $what = $columns('PRICE_DELIVERY', 'DELIVERY_ID');
            $add('shipment', $what, function (Order $order) use ($delivery, $isDearer): void {
                if ($isDearer($order)) {
                    $this->changeShipment($order, $delivery);
                }
            });
        }
        if ($lines !== null || isset($fields['PRICE']) || isset($fields['DISCOUNT_VALUE'])) {
            $what = array_merge($lines === null ? [] : ['items'], $columns('PRICE', 'DISCOUNT_VALUE'));
            $add('basket', $what, function (Order $order) use ($fields, $lines): void {
                $this->changeGoods($order, $fields, $lines);
            });
        }
        if ($delivery) {
            $add('shipment', $columns('PRICE_DELIVERY', 'DELIVERY_ID'), function (Order $order) use ($delivery): void {
                $this->changeShipment($order, $delivery);
            });
        }
        if ($lines !== null || $delivery || isset($fields['PRICE']) || isset($fields['DISCOUNT_VALUE'])) {
            $add('total', [], function (Order $order): void {
                $this->settleTotal($order);
            });
        }
    }

    /** Change items and total. If the total differs from the sum of the parts, change the prices (`CvetyCrmPrices`). */
    private function changeGoods(Order $order, array $fields, ?array $lines): void
    {
        $present = self::linesOf($order);
        $wanted = $lines === null ? $present : self::withListPrices($lines);
        if (isset($fields['PRICE'])) {
            $fee = (float)($fields['PRICE_DELIVERY'] ?? $order->getField('PRICE_DELIVERY'));
            $wanted = CvetyCrmPrices::spread($wanted, $this->goodsOf($fields['PRICE'], $fee));
        } elseif (isset($fields['DISCOUNT_VALUE'])) {
            foreach ($wanted as $position => $line) {
                $wanted[$position]['price'] = max($line['base_price'], $line['price']);
            }
            $goods = array_sum(array_map([self::class, 'lineSum'], $wanted)) - $fields['DISCOUNT_VALUE'];
            $wanted = CvetyCrmPrices::spread($wanted, max($goods, 0.0));
        }
        if ($lines !== null || $wanted !== $present) {
            $this->replaceLines($order, $wanted);
        }
    }

    /** Set the total to the sum of its parts, and the only unpaid payment to the total. */
    private function settleTotal(Order $order): void
    {
        $parts = self::partsSum($order);
        if (self::differs($order->getPrice(), $parts)) {
            $this->check($order->setField('PRICE', $parts));
        }
        $this->noteDiscount($order);
        $payments = self::payments($order);
        $payment = count($payments) === 1 && !$payments[0]->isPaid() ? $payments[0] : null;
        $isCancelled = (string)$order->getField('CANCELED') === 'Y';
        if ($payment && !$isCancelled && self::differs($payment->getField('SUM'), $order->getPrice())) {
            $this->check($payment->setField('SUM', (float)$order->getPrice()));
        }
    }

    private function cancel(Order $order, string $flag, string $reason): void
    {
        if ((string)$order->getField('CANCELED') === $flag) {
            return;
        }
        $result = $order->setField('CANCELED', $flag);
        if (!$result->isSuccess()) {
            $message = ($flag === 'Y' ? 'Сайт не отменяет этот заказ. ' : 'Сайт не возвращает этот заказ из отмены. ')
                . 'Ответ сайта: ' . implode('; ', $result->getErrorMessages());
            throw CvetyCrmRefusal::invalid('cancel_refused', $message, 'cancel');
        }
        $this->setColumn($order, 'REASON_CANCELED', $reason);
    }

    /** Set a column if the value differs. A change between null and '' would create a new version. */
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
        $shipments = self::shipments($order);
        $isCostlier = isset($fields['PRICE_DELIVERY'])
            && self::differs($order->getField('PRICE_DELIVERY'), $fields['PRICE_DELIVERY']);
        $service = (int)($fields['DELIVERY_ID'] ?? 0);
        $number = $fields['TRACKING_NUMBER'] ?? null;
        if (count($shipments) !== 1) {
            if ($isCostlier || $service || $number) {
                $message = 'Отгрузок у заказа ' . count($shipments) . ': измените их на сайте';
                throw CvetyCrmRefusal::invalid('shipments', $message, 'shipment');
            }
            return;
        }
        $shipment = $shipments[0];
        if ($service && $service !== (int)$shipment->getField('DELIVERY_ID')) {
            $found = DeliveryManager::getObjectById($service);
            if (!$found) {
                $message = 'На сайте нет службы доставки ' . $service;
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

    private function changePayment(Order $order, int $wanted): void
    {
        $payments = self::payments($order);
        $present = [];
        foreach ($payments as $payment) {
            $present[(int)$payment->getField('PAY_SYSTEM_ID')] = true;
        }
        if (array_keys($present) === [$wanted]) {
            return;
        }
        $service = PaySystemManager::getObjectById($wanted);
        if (!$service) {
            $message = 'На сайте нет платёжной системы ' . $wanted;
            throw CvetyCrmRefusal::invalid('pay_system_unknown', $message, 'payment');
        }
        if (!$payments) {
            $payment = $order->getPaymentCollection()->createItem($service);
            $sum = ['SUM' => (float)$order->getPrice(), 'CURRENCY' => (string)$order->getField('CURRENCY')];
            $this->check($payment->setFields($sum));
            return;
        }
        if ($order->getPaymentCollection()->hasPaidPayment()) {
            $message = 'Заказ на сайте оплачен: способ оплаты оплаченного не меняется';
            throw CvetyCrmRefusal::invalid('payment_paid', $message, 'payment');
        }
        if (count($present) > 1) {
            $message = 'Оплат у заказа несколько, разных платёжных систем: измените их на сайте';
            throw CvetyCrmRefusal::invalid('payments', $message, 'payment');
        }
        $changes = ['PAY_SYSTEM_ID' => $wanted, 'PAY_SYSTEM_NAME' => $service->getField('NAME')];
        foreach ($payments as $payment) {
            $this->check($payment->setFields($changes));
        }
    }

    /** Mark all payments as paid, because Bitrix computes PAYED from them. Add a payment if an amount is missing. */
    private function pay(Order $order): void
    {
        $payments = self::payments($order);
        if ((string)$order->getField('PAYED') === 'Y') {
            return;
        }
        if (!$payments) {
            throw CvetyCrmRefusal::invalid('no_payment', 'У заказа на сайте нет ни одной оплаты', 'payment');
        }
        foreach ($payments as $payment) {
            $owed = (float)$order->getPrice() - (float)$order->getField('SUM_PAID');
            if ($payment->isPaid() || (string)$order->getField('PAYED') === 'Y') {
                continue;
            }
            // Bitrix books an overpayment to the customer's account and does not reverse it.
            if ((float)$payment->getField('SUM') - $owed > 0.005) {
                $this->check($payment->setField('SUM', max($owed, 0.0)));
            }
            $this->check($payment->setPaid('Y'));
        }
        $missing = (float)$order->getPrice() - (float)$order->getField('SUM_PAID');
        if ((string)$order->getField('PAYED') !== 'Y' && $missing > 0.005) {
            $service = PaySystemManager::getObjectById((int)end($payments)->getField('PAY_SYSTEM_ID'));
            if (!$service) {
                $message = 'Нет платёжной системы, которой оплатить остаток';
                throw CvetyCrmRefusal::invalid('no_payment', $message, 'payment');
            }
            $rest = $order->getPaymentCollection()->createItem($service);
            $this->check($rest->setFields(['SUM' => $missing, 'CURRENCY' => (string)$order->getField('CURRENCY')]));
            $this->check($rest->setPaid('Y'));
        }
    }

    private function takePaymentBack(Order $order): void
    {
        foreach (self::payments($order) as $payment) {
            if ($payment->isPaid()) {
                $this->check($payment->setPaid('N'));
            }
        }
    }

    // The parts of an order

    private function addLine(Basket $basket, array $line, string $siteId): \Bitrix\Sale\BasketItem
    {
        $nameInCatalogue = $this->nameInCatalogue($line['product_id']);
        // With CUSTOM_PRICE, Bitrix does not replace an agreed price with the price in the catalogue.
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
                $this->keepPrices($item, $fields['BASE_PRICE'], $fields['PRICE']);
                return $item;
            }
            // Usually the stock is empty. The manager has promised the flowers, so the item is added without the
            // catalogue.
            $this->warnShortage($line['product_id'], $fields['NAME'], implode('; ', $result->getErrorMessages()));
            $this->check($item->delete());
        }
        $item = $basket->createItem('catalog', $line['product_id']);
        $this->check($item->setFields($fields + ['CAN_BUY' => 'Y', 'DELAY' => 'N']));
        $this->keepPrices($item, $fields['BASE_PRICE'], $fields['PRICE']);
        return $item;
    }

    /** Return the name of a product that can be sold, or null. */
    private function nameInCatalogue(int $productId): ?string
    {
        $row = Application::getConnection()->query(
            'SELECT e.NAME FROM b_iblock_element e INNER JOIN b_catalog_product p ON p.ID = e.ID'
            . " WHERE e.ACTIVE = 'Y' AND e.ID = " . $productId
        )->fetch();
        return $row ? (string)$row['NAME'] : null;
    }

    /** Make the basket equal to the request. The id of a continued item and values not in the request are unchanged. */
    private function replaceLines(Order $order, array $lines): void
    {
        $basket = $order->getBasket();
        $free = [];
        foreach (self::boughtItems($order) as $item) {
            $free[(int)$item->getId()] = $item;
        }
        $continued = $this->continuedLines($lines, $free);
        $shipments = self::shipments($order);
        $isShipped = (bool)array_filter($shipments, function ($shipment): bool {
            return $shipment->isShipped();
        });
        if ($isShipped && ($free || count($continued) < count($lines) || $this->hasOtherQuantity($continued, $lines))) {
            $message = 'Заказ на сайте отгружен: состав и количество уже не меняются';
            throw CvetyCrmRefusal::invalid('shipped', $message, 'basket');
        }
        // Increases come first: if the total of a paid order were lower for a time, Bitrix would move money to the
        // customer's account.
        foreach ([false, true] as $isCheaper) {
            foreach ($continued as $position => $item) {
                $line = $lines[$position];
                if (self::lineSum($line) < self::itemSum($item) === $isCheaper) {
                    $this->changeLine($item, $line, $shipments);
                    unset($continued[$position], $lines[$position]);
                }
            }
            foreach ($isCheaper ? [] : array_diff_key($lines, $continued) as $position => $line) {
                $item = $this->addLine($basket, $line, self::siteId());
                if (count($shipments) === 1) {
                    $this->ship($shipments[0], $item, (float)$item->getQuantity());
                }
                unset($lines[$position]);
            }
        }
        foreach ($free as $item) {
            $this->check($item->delete());
        }
    }

    /** Pair the items of the request with the items of the order. Items that remain in `$free` will be deleted. */
    private function continuedLines(array $lines, array &$free): array
    {
        $continued = [];
        foreach ($lines as $position => $line) {
            $named = $line['basket_id'];
            if ($named && !isset($free[$named])) {
                $message = 'В заказе на сайте нет строки ' . $named . ', или она названа дважды';
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
        return $continued;
    }

    private function hasOtherQuantity(array $continued, array $lines): bool
    {
        foreach ($continued as $position => $item) {
            if (self::differs($item->getQuantity(), $lines[$position]['quantity'])) {
                return true;
            }
        }
        return false;
    }

    /**
     * Return the items that were bought. Items that are set aside for later or cannot be bought are not in the sums of
     * the order and not in the CRM, so a request neither names, changes nor deletes them.
     */
    private static function boughtItems(Order $order): array
    {
        $items = [];
        foreach ($order->getBasket() as $item) {
            if ((string)$item->getField('DELAY') !== 'Y' && (string)$item->getField('CAN_BUY') !== 'N') {
                $items[] = $item;
            }
        }
        return $items;
    }

    private static function itemSum(\Bitrix\Sale\BasketItem $item): float
    {
        return (float)$item->getField('PRICE') * (float)$item->getQuantity();
    }

    /** Return the items of an order in the format of a request. */
    private static function linesOf(Order $order): array
    {
        $lines = [];
        foreach (self::boughtItems($order) as $item) {
            $lines[] = [
                'basket_id' => (int)$item->getId(),
                'product_id' => (int)$item->getProductId(),
                'quantity' => (float)$item->getQuantity(),
                'price' => (float)$item->getField('PRICE'),
                'base_price' => (float)$item->getField('BASE_PRICE'),
                'name' => (string)$item->getField('NAME'),
                'currency' => (string)$item->getField('CURRENCY'),
            ];
        }
        return $lines;
    }

    private function changeLine(\Bitrix\Sale\BasketItem $item, array $line, array $shipments): void
    {
        $basePrice = (float)$item->getField('BASE_PRICE');
        $quantity = (float)$item->getQuantity();
        $isOtherQuantity = self::differs($quantity, $line['quantity']);
        $changes = [];
        if (self::differs($item->getField('PRICE'), $line['price'])) {
            $changes = ['CUSTOM_PRICE' => 'Y', 'PRICE' => $line['price']];
        } elseif ($isOtherQuantity) {
            // After a change of the quantity, Bitrix replaces a price that is not custom with the current price in the
            // catalogue.
            $changes = ['CUSTOM_PRICE' => 'Y'];
        }
        if ($line['name'] !== null && (string)$item->getField('NAME') !== $line['name']) {
            $changes['NAME'] = $line['name'];
        }
        if ($changes) {
            $this->check($item->setFields($changes));
        }
        if ($isOtherQuantity) {
            $shipment = count($shipments) === 1 ? $shipments[0] : null;
            // Bitrix removes only pieces that are in no shipment, so the shipment is changed first for a decrease and
            // last for an increase.
            if ($shipment && $line['quantity'] < $quantity) {
                $this->ship($shipment, $item, $line['quantity']);
            }
            $result = $item->setField('QUANTITY', $line['quantity']);
            if (!$result->isSuccess() && (string)$item->getField('PRODUCT_PROVIDER_CLASS') !== '') {
                throw new CvetyCrmShortage((int)$item->getId(), implode('; ', $result->getErrorMessages()));
            }
            $this->check($result);
            if ($shipment && $line['quantity'] > $quantity) {
                $this->ship($shipment, $item, $line['quantity']);
            }
        }
        $this->keepPrices($item, $basePrice, $line['price']);
    }

    /** Set BASE_PRICE and PRICE again, because some versions of Bitrix change them when a different field is set. */
    private function keepPrices(\Bitrix\Sale\BasketItem $item, float $basePrice, float $price): void
    {
        if (self::differs($item->getField('PRICE'), $price)) {
            $this->check($item->setField('PRICE', $price));
        }
        if (self::differs($item->getField('BASE_PRICE'), $basePrice)) {
            $item->setFieldNoDemand('BASE_PRICE', $basePrice);
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

    /** Set a property. If the site can't store the value, throw a refusal or add it to the refused parts. */
    private function setProperty(Order $order, string $code, $value, bool $throws = false): void
    {
        $property = $this->propertyFor($order, $code, $value, $throws);
        if (!$property) {
            return;
        }
        $present = $property->getValue();
        $isSame = is_array($present) || is_array($value)
            ? array_map('strval', array_values((array)$present)) === array_values((array)$value)
            : (string)$present === $value;
        if (!$isSame) {
            $result = $property->setValue($value);
            if ($result instanceof \Bitrix\Main\Result) {
                $this->check($result, 'Свойство «' . $code . '»: ');
            }
        }
    }

    /** Return the order's property with this code, or null if it does not exist or can't store the value. */
    private function propertyFor(Order $order, string $code, $value, bool $throws = false)
    {
        $property = null;
        // getItemByOrderPropertyCode() is not used, because it exists only since sale 20.0.900.
        foreach ($order->getPropertyCollection() as $candidate) {
            if ((string)$candidate->getField('CODE') === $code) {
                $property = $candidate;
                break;
            }
        }
        if (!$property) {
            // The site can't store this value, so the CRM gets a warning.
            if ($value !== '' && $value !== []) {
                $this->warn('no_property', 'На сайте нет свойства заказа «' . $code . '»', ['property' => $code]);
            }
            return null;
        }
        $refusal = self::propertyRefusal($property, $value);
        if ($refusal && $throws) {
            throw $refusal;
        }
        if ($refusal) {
            $this->refuse('properties.' . $code, $refusal);
            return null;
        }
        return $property;
    }

    /**
     * Return the refusal if a property does not allow a value, or null.
     *
     * Bitrix would save and mark the order, and repeat the reason with every later save. It might drop the value.
     */
    private static function propertyRefusal($property, $value): ?CvetyCrmRefusal
    {
        if ($value === '' || $value === []) {
            return null;
        }
        $result = $property->checkValue($property->getPropertyId(), $value);
        $isLong = is_string($value) && mb_strlen($value) > self::LONGEST_PROPERTY && $property->getType() === 'STRING';
        if ($result->isSuccess() && !$isLong) {
            return null;
        }
        $about = 'Свойство «' . $property->getName() . '»: ';
        $said = $result->isSuccess() ? '' : ' Ответ сайта: ' . implode('; ', array_unique($result->getErrorMessages()));
        if ($isLong || $property->getType() === 'STRING') {
            $message = $about . 'сайт не хранит такой текст, в нём знаков: ' . mb_strlen((string)$value) . '.' . $said;
            return CvetyCrmRefusal::invalid($isLong ? 'property_too_long' : 'property_invalid', $message, 'properties');
        }
        $code = $property->getType() === 'ENUM' ? 'property_unknown_value' : 'property_invalid';
        $message = $about . 'на сайте нет значения «' . implode(', ', (array)$value) . '».' . $said;
        return CvetyCrmRefusal::invalid($code, $message, 'properties');
    }

    /** Return the sum of basket and delivery. */
    private static function partsSum(Order $order): float
    {
        $sum = (float)$order->getField('PRICE_DELIVERY');
        foreach (self::boughtItems($order) as $item) {
            $sum += (float)$item->getField('PRICE') * (float)$item->getQuantity();
        }
        return $sum;
    }

    /** Return the shipments that people see, without the system shipment, which contains unassigned pieces. */
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
        if (self::isSilent((string)$order->getField('XML_ID'))) {
            // The setting is valid until the end of this request, which concerns only this order.
            \Bitrix\Sale\Notify::setNotifyDisable(true);
        }
        $bookedBefore = self::innerAccount((int)$order->getId());
        try {
            $result = $order->save();
        } catch (\Bitrix\Main\DB\SqlQueryException $error) {
            if (preg_match('/\((1264|1366|1406)\)/', $error->getMessage())) {
                $message = 'База сайта не может хранить один из текстов: он слишком длинный, или в нём эмодзи';
                throw CvetyCrmRefusal::invalid('unstorable', $message, 'save');
            }
            throw $error;
        }
        $this->check($result);
        // Bitrix reports a part of the order that was not stored only as a warning.
        foreach (method_exists($result, 'getWarningMessages') ? $result->getWarningMessages() : [] as $message) {
            $this->warn('marked', 'Сайт пометил заказ: ' . $message);
        }
        $this->noteInnerAccount($order, self::innerAccount((int)$order->getId()) - $bookedBefore);
    }

    private static function isSilent(string $xmlId): bool
    {
        $letters = defined('CRM_BRIDGE_LETTERS') ? (string)CRM_BRIDGE_LETTERS : 'site';
        if ($letters === 'none' || strpos($xmlId, self::CHECK_PREFIX) === 0) {
            return true;
        }
        return $letters !== 'all' && strpos($xmlId, self::CRM_PREFIX) === 0;
    }

    /** Return the amount that this order has moved to the customer's account, minus the amount taken from it. */
    private static function innerAccount(int $orderId): float
    {
        if ($orderId <= 0) {
            return 0.0;
        }
        $row = Application::getConnection()->query(
            "SELECT SUM(CASE WHEN DEBIT = 'Y' THEN AMOUNT ELSE -AMOUNT END) AS BOOKED FROM b_sale_user_transact"
            . ' WHERE ORDER_ID = ' . $orderId
        )->fetch();
        return (float)$row['BOOKED'];
    }

    private function noteInnerAccount(Order $order, float $booked): void
    {
        if (abs($booked) < 0.005) {
            return;
        }
        $message = $booked > 0
            ? self::money($booked) . ' ушли на внутренний счёт покупателя: оплачено больше, чем стоит заказ ('
                . self::money((float)$order->getPrice()) . ')'
            : self::money(-$booked) . ' взяты с внутреннего счёта покупателя в оплату заказа';
        $this->warn('inner_account', $message, ['amount' => number_format($booked, 2, '.', '')]);
    }

    /** Return an amount in KZT, formatted for managers. */
    private static function money(float $amount): string
    {
        $isWhole = abs($amount - round($amount)) < 0.005;
        return number_format($amount, $isWhole ? 0 : 2, ',', "\u{00A0}") . "\u{00A0}₸";
    }

    // order.delete

    /** Delete an order that the site check created. The CRM deletes no other orders on the site. */
    private function deleteOrder(array $request): array
    {
        $id = $this->orderId($request);
        return $this->locked('cvety_crm_order_' . $id, function () use ($id): array {
            $row = $this->find($id);
            if (strpos((string)$row['XML_ID'], self::CHECK_PREFIX) !== 0) {
                $message = 'CRM удаляет на сайте только заказ, который создала её проверка';
                throw CvetyCrmRefusal::invalid('not_a_check', $message, 'delete');
            }
            $this->step('delete');
            $order = $this->load($id);
            $this->takePaymentBack($order);
            if ($order->isChanged()) {
                $this->save($order);
            }
            $this->check(Order::delete($id));
            return ['order_id' => $id, 'deleted' => true];
        });
    }

    // Reading

    private function getOrder(array $request): array
    {
        if (!empty($request['order_id'])) {
            $id = $this->orderId($request);
        } elseif (!empty($request['xml_id'])) {
            $row = $this->rowByXmlId(self::text($request['xml_id']));
            if (!$row) {
                $isArchived = $this->archivedId(self::xmlIdIs(self::text($request['xml_id']))) > 0;
                throw self::notFound(self::text($request['xml_id']), $isArchived);
            }
            $id = (int)$row['ID'];
        } else {
            throw CvetyCrmRefusal::badRequest('bad_id', 'order_id or xml_id is needed');
        }
        $order = CvetyCrmWebhook::orderData($id);
        if ($order === null) {
            throw self::notFound((string)$id, $this->archivedId('ORDER_ID = ' . $id) > 0);
        }
        return ['order' => $order];
    }

    private function listOrders(array $request): array
    {
        $limit = min($this->identity($request['limit'] ?? null ?: self::LIST_LIMIT, 'limit'), self::LIST_LIMIT_MOST);
        $afterId = $this->identity($request['after_id'] ?? null ?: 0, 'after_id', 'request', true);
        $since = $this->moment($request['since'] ?? null);
        // One row more than the limit shows whether there is a next page.
        $orders = $this->listedOrders($afterId, $since, $limit + 1);
        if (!empty($request['archived'])) {
            $orders += $this->archivedOrders($afterId, $since, $limit + 1);
            ksort($orders);
        }
        $isMore = count($orders) > $limit;
        $orders = array_slice($orders, 0, $limit, true);
        $ids = array_keys($orders);
        $listed = array_keys(array_filter($orders, function (array $order): bool {
            return empty($order['archived']);
        }));
        foreach (CvetyCrmWebhook::checksums($listed) as $id => $checksum) {
            $orders[$id]['checksum'] = $checksum;
        }
        return ['orders' => array_values($orders), 'next_after_id' => $isMore ? end($ids) : null];
    }

    private function listedOrders(int $afterId, ?string $since, int $limit): array
    {
        // RUNNING is set for an order that is still being saved and has no final values.
        $rows = Application::getConnection()->query(
            'SELECT ID, XML_ID, VERSION, STATUS_ID, PRICE, PAYED, CANCELED, DATE_UPDATE FROM b_sale_order'
            . ' WHERE ID > ' . $afterId . " AND RUNNING <> 'Y'"
            . ($since === null ? '' : " AND DATE_UPDATE >= '" . $since . "'")
            . ' ORDER BY ID LIMIT ' . $limit
        );
        $orders = [];
        while ($row = $rows->fetch()) {
            $orders[(int)$row['ID']] = [
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
        return $orders;
    }

    /** Return orders in the archive. They are not deleted, and no event reports that they were archived. */
    private function archivedOrders(int $afterId, ?string $since, int $limit): array
    {
        $rows = Application::getConnection()->query(
            'SELECT ORDER_ID, XML_ID FROM b_sale_order_archive WHERE ORDER_ID > ' . $afterId
            . ($since === null ? '' : " AND DATE_ARCHIVED >= '" . $since . "'")
            . ' ORDER BY ORDER_ID LIMIT ' . $limit
        );
        $orders = [];
        while ($row = $rows->fetch()) {
            $id = (int)$row['ORDER_ID'];
            $orders[$id] = ['order_id' => $id, 'xml_id' => (string)$row['XML_ID'], 'archived' => true];
        }
        return $orders;
    }

    /** Return the id of the archived order that meets the condition, or 0 if no archived order meets it. */
    private function archivedId(string $where): int
    {
        $sql = 'SELECT ORDER_ID FROM b_sale_order_archive WHERE ' . $where . ' ORDER BY ORDER_ID';
        return (int)Application::getConnection()->queryScalar($sql);
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
            // People do not choose the customer's account as a pay system. Bitrix adds it with the first payment.
            // Pay systems that are no longer active are listed too, because old orders have them.
            'SELECT ID, NAME, ACTIVE FROM b_sale_pay_system_action'
            . " WHERE ACTION_FILE IS NULL OR ACTION_FILE <> 'inner' ORDER BY SORT, ID"
        );
        while ($row = $rows->fetch()) {
            $paySystems[] = [
                'id' => (int)$row['ID'],
                'name' => (string)$row['NAME'],
                'active' => $row['ACTIVE'] === 'Y',
            ];
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

    /** Return the values of an order property: elements of an infoblock if its id is set, or else its variants. */
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
            // A property exists once for each person type.
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
        $storage = self::storage();
        return ['versions' => $versions] + CvetyCrmWebhook::status() + ($storage ? ['storage' => $storage] : []);
    }

    /** Return which letters, lengths and decimals the database stores, or an empty array if it does not say. */
    private static function storage(): array
    {
        try {
            $connection = Application::getConnection();
            $charset = $connection->query('SELECT @@character_set_connection AS CHARSET_NAME')->fetch();
            $rows = $connection->query(
                'SELECT TABLE_NAME, COLUMN_NAME, DATA_TYPE, CHARACTER_SET_NAME, CHARACTER_MAXIMUM_LENGTH, NUMERIC_SCALE'
                . " FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME IN"
                . " ('b_sale_order', 'b_sale_order_props_value', 'b_sale_basket')"
                . " AND COLUMN_NAME IN ('USER_DESCRIPTION', 'COMMENTS', 'VALUE', 'PRICE', 'QUANTITY')"
                . ' ORDER BY TABLE_NAME, COLUMN_NAME'
            )->fetchAll();
        } catch (\Throwable $error) {
            return [];
        }
        $columns = [];
        // An option of the module sale rounds prices and sums.
        $decimals = ['price' => (int)\Bitrix\Main\Config\Option::get('sale', 'value_precision', 2)];
        foreach ($rows as $row) {
            $row = array_change_key_case($row, CASE_UPPER);
            $place = $row['TABLE_NAME'] . '.' . $row['COLUMN_NAME'];
            $name = $place === 'b_sale_order_props_value.VALUE' ? 'properties' : 'fields.' . $row['COLUMN_NAME'];
            if ($row['CHARACTER_SET_NAME'] !== null && $row['TABLE_NAME'] !== 'b_sale_basket') {
                $isInBytes = strpos(strtolower((string)$row['DATA_TYPE']), 'text') !== false;
                $longest = self::TEXT_COLUMNS[$row['COLUMN_NAME']] ?? self::LONGEST_PROPERTY;
                $columns[$name] = [
                    'charset' => (string)$row['CHARACTER_SET_NAME'],
                    'length' => min((int)$row['CHARACTER_MAXIMUM_LENGTH'], $longest),
                ] + ($isInBytes ? ['bytes' => true] : []);
            } elseif ($place === 'b_sale_basket.PRICE' && $row['NUMERIC_SCALE'] !== null) {
                $decimals['price'] = min($decimals['price'], (int)$row['NUMERIC_SCALE']);
            } elseif ($place === 'b_sale_basket.QUANTITY' && $row['NUMERIC_SCALE'] !== null) {
                $decimals['quantity'] = (int)$row['NUMERIC_SCALE'];
            }
        }
        return ['charset' => (string)$charset['CHARSET_NAME'], 'columns' => $columns, 'decimals' => $decimals];
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
            throw CvetyCrmRefusal::invalid('bad_amount', $name . ': нужно число, ноль или больше', $step);
        }
        return $number;
    }

    /** Return the value of a column that can be set. Throw the refusal that D7 would return, but before any change. */
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
                throw CvetyCrmRefusal::invalid('bad_flag', $column . ': нужно Y или N', 'order');
            }
            return $flag;
        }
        return $this->textColumn($column, $value);
    }

    private function textColumn(string $column, $value): string
    {
        if (!isset(self::TEXT_COLUMNS[$column])) {
            throw CvetyCrmRefusal::invalid('bad_field', $column . ' менять нельзя', 'order');
        }
        $text = self::text($value);
        $longest = self::TEXT_COLUMNS[$column];
        if (mb_strlen($text) > $longest) {
            $message = "$column: текст длиннее, чем хранит сайт (знаков: $longest)";
            throw CvetyCrmRefusal::invalid('too_long', $message, 'order');
        }
        return $text;
    }

    private function idColumn(string $column, $value): ?int
    {
        return in_array($value, [null, '', 0, '0'], true) ? null : $this->identity($value, $column, 'order');
    }

    /** Check a status. D7 would store any two letters, even a status of shipments. The check is case-sensitive. */
    private function checkStatus($statusId): string
    {
        $rows = Application::getConnection()->query("SELECT ID FROM b_sale_status WHERE TYPE = 'O'")->fetchAll();
        if (!is_string($statusId) || !in_array($statusId, array_column($rows, 'ID'), true)) {
            $message = 'На сайте нет статуса заказа ' . CvetyCrmWebhook::encode([$statusId]);
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
            throw CvetyCrmRefusal::invalid('bad_properties', 'properties: нужен объект', 'properties');
        }
        foreach ($value as $code => $given) {
            $value[$code] = is_array($given)
                ? array_map([self::class, 'text'], array_values($given))
                : self::text($given);
        }
        return $value;
    }

    /** Return the items of a request after checking them. */
    private function lines($items): array
    {
        if (!is_array($items) || !$items || array_keys($items) !== range(0, count($items) - 1)) {
            throw CvetyCrmRefusal::invalid('empty_basket', 'В заказе нужен хотя бы один товар', 'basket');
        }
        $lines = [];
        foreach ($items as $position => $item) {
            if (!is_array($item)) {
                throw CvetyCrmRefusal::invalid('bad_item', "items[$position]: нужен объект", 'basket');
            }
            $quantity = $this->amount($item['quantity'] ?? null, 'items.quantity', 'basket');
            if ($quantity <= 0) {
                throw CvetyCrmRefusal::invalid('bad_amount', 'items.quantity: нужно больше нуля', 'basket');
            }
            $snapshot = is_array($item['product_snapshot'] ?? null) ? $item['product_snapshot'] : [];
            $name = self::text($snapshot['name'] ?? null);
            // Bitrix stores 0 for products that the catalogue no longer contains.
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

    /** Return `since` in the format of the column DATE_UPDATE, which is in the server's time zone. */
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
            // A time without an offset is in the shop's time zone.
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

    /** Return a value as the string that Bitrix stores: an empty string for null, Y or N for a flag. */
    private static function text($value): string
    {
        if (is_bool($value)) {
            return $value ? 'Y' : 'N';
        }
        return is_scalar($value) ? (string)$value : '';
    }

    private static function differs($one, $other, float $tolerance = 0.00005): bool
    {
        return abs((float)$one - (float)$other) >= $tolerance;
    }

    // Rows, locks, steps

    private function row(int $id): ?array
    {
        return $this->orderRow('ID = ' . $id);
    }

    private function rowByXmlId(string $xmlId): ?array
    {
        return $this->orderRow(self::xmlIdIs($xmlId));
    }

    private static function xmlIdIs(string $xmlId): string
    {
        return "XML_ID = '" . Application::getConnection()->getSqlHelper()->forSql($xmlId) . "'";
    }

    private function orderRow(string $where): ?array
    {
        $sql = 'SELECT ID, XML_ID, ACCOUNT_NUMBER, VERSION, STATUS_ID, RUNNING FROM b_sale_order WHERE ' . $where;
        return Application::getConnection()->query($sql . ' ORDER BY ID LIMIT 1')->fetch() ?: null;
    }

    private function find(int $id): array
    {
        $row = $this->row($id);
        if (!$row) {
            throw self::notFound((string)$id, $this->archivedId('ORDER_ID = ' . $id) > 0);
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

    private static function notFound(string $what, bool $isArchived = false): CvetyCrmRefusal
    {
        return $isArchived
            ? new CvetyCrmRefusal(404, 'order_archived', 'Заказ ' . $what . ' на сайте в архиве', 'order')
            : new CvetyCrmRefusal(404, 'order_not_found', 'Заказа ' . $what . ' на сайте нет', 'order');
    }

    private static function versionAnswer(array $row): array
    {
        return ['order_id' => (int)$row['ID'], 'version' => (int)$row['VERSION']];
    }

    private function locked(string $name, callable $work): array
    {
        $connection = Application::getConnection();
        if (!$connection->lock($name, self::LOCK_SECONDS)) {
            throw new CvetyCrmRefusal(503, 'busy', 'Над этим заказом уже идёт работа', 'lock');
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

    /** Throw a refusal if a Result contains an error, because Bitrix would save the order in spite of the error. */
    private function check(\Bitrix\Main\Result $result, string $before = ''): void
    {
        if (!$result->isSuccess()) {
            $message = $before . implode('; ', $result->getErrorMessages());
            throw CvetyCrmRefusal::invalid('refused', $message, $this->step);
        }
    }

    /** Write one line for each request to Bitrix's log, with ids and steps but without personal data and tokens. */
    private function log(string $about, int $status, float $started, string $error): void
    {
        if (defined('LOG_FILENAME') && function_exists('AddMessage2Log')) {
            $milliseconds = (microtime(true) - $started) * 1000;
            $text = sprintf('%s: %d, %d ms; %s', $about, $status, $milliseconds, implode(' > ', $this->steps));
            $text .= $error === '' ? '' : '; ' . $error;
            $codes = array_merge(array_column($this->warnings, 'code'), array_column($this->refused, 'code'));
            AddMessage2Log($text . ($codes ? '; ' . implode(', ', $codes) : ''), 'cvety.crm', 0);
        }
    }
}

/** The HTTP request. The methods run before and after the actions. */
final class CvetyCrmBridgeDoor
{
    const LARGEST_BODY = 1048576;
    const REASONS = [
        200 => 'OK', 400 => 'Bad Request', 401 => 'Unauthorized', 404 => 'Not Found', 409 => 'Conflict',
        422 => 'Unprocessable Entity', 500 => 'Internal Server Error', 503 => 'Service Unavailable',
    ];

    private static $isAnswered = false;

    /** Prepare PHP before Bitrix is loaded. */
    public static function open(): void
    {
        // Output of Bitrix, of a template or of a notice must not precede the JSON.
        ob_start();
        register_shutdown_function([self::class, 'answerAfterAll']);
        // Without BX_SECURITY_SESSION_VIRTUAL, every request would create a session.
        $constants = [
            'NO_KEEP_STATISTIC', 'NO_AGENT_CHECK', 'NOT_CHECK_PERMISSIONS', 'STOP_STATISTICS',
            'BX_SECURITY_SESSION_VIRTUAL',
        ];
        foreach ($constants as $constant) {
            defined($constant) || define($constant, true);
        }
        if (empty($_SERVER['DOCUMENT_ROOT'])) {
            $_SERVER['DOCUMENT_ROOT'] = dirname(__DIR__, 2);
        }
    }

    /** Answer the request after Bitrix is loaded. */
    public static function handle(): void
    {
        // Bitrix reads from this global the user who has accepted a payment, and does not check that it exists.
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

    /** Return the accepted tokens. While a token is being replaced, the setting contains several, with commas. */
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

    /** Send the response and then end the request as Bitrix does, because background jobs would not run otherwise. */
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
        // Bitrix overwrites the headers above with the headers of its own response object.
        $response = \Bitrix\Main\Context::getCurrent()->getResponse();
        $response->setStatus($status . ' ' . self::REASONS[$status]);
        $response->addHeader('Content-Type', 'application/json; charset=utf-8');
        if ($status === 503) {
            $response->addHeader('Retry-After', '5');
        }
        \CMain::FinalActions($json);
    }

    /** Send a response if PHP or Bitrix ended the request without a response: out of memory, no database. */
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
