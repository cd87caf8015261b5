<?php
/** Stand-ins for the order and its parts (Bitrix\Sale). */

namespace Bitrix\Sale;

use Bitrix\Main\Application;
use Bitrix\Main\Error;
use Bitrix\Main\Event;
use Bitrix\Main\Type\DateTime;

class Result extends \Bitrix\Main\Result
{
    private $warnings = [];

    public function addWarning(Error $warning)
    {
        $this->warnings[] = $warning;
    }

    public function getWarningMessages()
    {
        return array_map(function (Error $warning) {
            return $warning->getMessage();
        }, $this->warnings);
    }

    public static function refusal($message)
    {
        $result = new self();
        $result->addError(new Error($message));
        return $result;
    }
}

abstract class Entity
{
    const FIELDS = [];
    const MONEY = [];

    protected $fields = [];
    protected $isChanged = false;

    public function getField($name)
    {
        return $this->fields[$name] ?? null;
    }

    public function getId()
    {
        return (int)$this->getField('ID');
    }

    public function isChanged()
    {
        return $this->isChanged;
    }

    /** The same value is no change, and the comparison is PHP's loose one. */
    public function setField($name, $value)
    {
        if (!in_array($name, static::FIELDS, true)) {
            throw new \Bitrix\Main\ArgumentOutOfRangeException('name=' . $name);
        }
        $old = $this->getField($name);
        if ($old == $value && !($old === null && $value !== null)) {
            return new Result();
        }
        $this->fields[$name] = $value;
        $result = $this->onFieldModify($name, $old, $value);
        if ($result->isSuccess()) {
            $this->isChanged = true;
        } else {
            $this->fields[$name] = $old;
        }
        return $result;
    }

    public function setFields(array $fields)
    {
        $all = new Result();
        foreach ($fields as $name => $value) {
            foreach ($this->setField($name, $value)->getErrorMessages() as $message) {
                $all->addError(new Error($message));
            }
        }
        return $all;
    }

    public function setFieldNoDemand($name, $value)
    {
        if ($this->getField($name) != $value || $this->getField($name) === null) {
            $this->fields[$name] = $value;
            $this->isChanged = true;
        }
    }

    protected function onFieldModify($name, $old, $value)
    {
        return new Result();
    }

    /** As MySQL keeps decimal(18,4). */
    protected function stored()
    {
        $fields = $this->fields;
        foreach (static::MONEY as $name) {
            if (isset($fields[$name])) {
                $fields[$name] = number_format((float)$fields[$name], 4, '.', '');
            }
        }
        return $fields;
    }

    protected function store($table)
    {
        $fields = $this->stored();
        unset($fields['ID']);
        $this->fields['ID'] = Application::getConnection()->put($table, $fields, $this->getId() ?: null);
        $this->isChanged = false;
    }
}

class Collection implements \IteratorAggregate
{
    public $order;
    protected $items = [];
    protected $isChanged = false;

    #[\ReturnTypeWillChange]
    public function getIterator()
    {
        return new \ArrayIterator($this->items);
    }

    public function add($item)
    {
        $this->items[] = $item;
        return $item;
    }

    public function remove($item)
    {
        $this->items = array_values(array_filter($this->items, function ($other) use ($item) {
            return $other !== $item;
        }));
        $this->isChanged = true;
    }

    public function isChanged()
    {
        foreach ($this->items as $item) {
            if ($item->isChanged()) {
                return true;
            }
        }
        return $this->isChanged;
    }

    public function saved()
    {
        $this->isChanged = false;
    }
}

class BasketItem extends Entity
{
    const FIELDS = [
        'NAME', 'LID', 'PRICE', 'BASE_PRICE', 'CURRENCY', 'QUANTITY', 'CUSTOM_PRICE', 'PRODUCT_PROVIDER_CLASS',
        'CAN_BUY', 'DELAY', 'PRODUCT_XML_ID',
    ];
    const MONEY = ['PRICE', 'BASE_PRICE', 'DISCOUNT_PRICE', 'QUANTITY'];

    private static $codes = 0;
    private $basket;
    private $code;

    public function __construct(Basket $basket, array $fields)
    {
        $this->basket = $basket;
        $this->fields = $fields;
        $this->isChanged = empty($fields['ID']);
        $this->code = $this->getId() ?: 'n' . ++self::$codes;
    }

    public function getBasketCode()
    {
        return $this->code;
    }

    public function getProductId()
    {
        return $this->getField('PRODUCT_ID');
    }

    public function getQuantity()
    {
        return (float)$this->getField('QUANTITY');
    }

    public function setFields(array $fields)
    {
        $first = ['CURRENCY', 'CUSTOM_PRICE', 'PRODUCT_PROVIDER_CLASS', 'LID'];
        return parent::setFields(array_intersect_key($fields, array_flip($first)) + $fields);
    }

    protected function onFieldModify($name, $old, $value)
    {
        if ($name === 'QUANTITY') {
            $stock = 'SELECT QUANTITY FROM b_catalog_product WHERE ID = ' . (int)$this->getProductId();
            if ($this->getField('PRODUCT_PROVIDER_CLASS') && Application::getConnection()->queryScalar($stock) < $value) {
                return Result::refusal('Товара нет в нужном количестве');
            }
            $order = $this->basket->order;
            if ($order && $order->shippedQuantity($this) > $value) {
                return Result::refusal('В отгрузках больше, чем остаётся в корзине');
            }
        }
        if ($this->basket->order && in_array($name, ['QUANTITY', 'PRICE'], true)) {
            $this->basket->order->refreshPrice();
        }
        return new Result();
    }

    public function delete()
    {
        $this->basket->remove($this);
        if ($this->basket->order) {
            $this->basket->order->forgetShipped($this);
            $this->basket->order->refreshPrice();
        }
        return new Result();
    }

    public function save($orderId)
    {
        if ($this->isChanged) {
            $this->fields['ORDER_ID'] = $orderId;
            $this->fields['DISCOUNT_PRICE'] = (float)$this->getField('BASE_PRICE') - (float)$this->getField('PRICE');
            $this->store('b_sale_basket');
        }
    }
}

class Basket extends Collection
{
    public static function create($siteId)
    {
        return new self();
    }

    public function createItem($module, $productId)
    {
        return $this->add(new BasketItem($this, ['PRODUCT_ID' => $productId, 'CUSTOM_PRICE' => 'N']));
    }

    public function save($orderId)
    {
        foreach ($this->items as $item) {
            $item->save($orderId);
        }
        $ids = implode(', ', array_map(function ($item) {
            return $item->getId();
        }, $this->items)) ?: '0';
        Application::getConnection()->queryExecute("DELETE FROM b_sale_basket WHERE ORDER_ID = $orderId AND ID NOT IN ($ids)");
        $this->saved();
    }
}

class ShipmentItem extends Entity
{
    const FIELDS = ['QUANTITY'];
    public $basketItem;
    private $shipment;

    public function __construct(Shipment $shipment, BasketItem $basketItem, array $fields)
    {
        $this->shipment = $shipment;
        $this->basketItem = $basketItem;
        $this->fields = $fields;
    }

    public function getQuantity()
    {
        return (float)$this->getField('QUANTITY');
    }

    public function setQuantity($quantity)
    {
        $free = $this->basketItem->getQuantity() - $this->shipment->order->shippedQuantity($this->basketItem);
        if ($quantity - $this->getQuantity() > $free) {
            return Result::refusal('В корзине нет столько товара');
        }
        return $this->setField('QUANTITY', $quantity);
    }

    public function save($shipmentId)
    {
        $this->fields['ORDER_DELIVERY_ID'] = $shipmentId;
        $this->fields['BASKET_ID'] = $this->basketItem->getId();
        $this->store('b_sale_order_dlv_basket');
    }
}

class ShipmentItemCollection extends Collection
{
    private $shipment;

    public function __construct(Shipment $shipment)
    {
        $this->shipment = $shipment;
    }

    public function createItem(BasketItem $basketItem)
    {
        return $this->add(new ShipmentItem($this->shipment, $basketItem, ['QUANTITY' => 0]));
    }

    public function getItemByBasketCode($code)
    {
        foreach ($this->items as $item) {
            if ((string)$item->basketItem->getBasketCode() === (string)$code) {
                return $item;
            }
        }
        return null;
    }
}

class Shipment extends Entity
{
    const FIELDS = [
        'DELIVERY_ID', 'DELIVERY_NAME', 'PRICE_DELIVERY', 'BASE_PRICE_DELIVERY', 'CUSTOM_PRICE_DELIVERY', 'CURRENCY',
        'TRACKING_NUMBER',
    ];
    const MONEY = ['PRICE_DELIVERY', 'BASE_PRICE_DELIVERY'];

    public $order;
    public $items;

    public function __construct(Order $order, array $fields)
    {
        $this->order = $order;
        $this->fields = $fields + ['SYSTEM' => 'N'];
        $this->isChanged = empty($fields['ID']);
        $this->items = new ShipmentItemCollection($this);
    }

    public function isSystem()
    {
        return $this->getField('SYSTEM') === 'Y';
    }

    public function isChanged()
    {
        return parent::isChanged() || $this->items->isChanged();
    }

    public function getShipmentItemCollection()
    {
        return $this->items;
    }

    protected function onFieldModify($name, $old, $value)
    {
        if ($this->order->getField('CANCELED') === 'Y') {
            return Result::refusal('Заказ отменён');
        }
        if ($name === 'PRICE_DELIVERY') {
            $this->order->refreshPrice();
        } elseif ($name === 'DELIVERY_ID' || $name === 'TRACKING_NUMBER') {
            $this->order->setFieldNoDemand($name, $value);
        }
        return new Result();
    }

    public function save($orderId)
    {
        $this->fields['ORDER_ID'] = $orderId;
        $this->store('b_sale_order_delivery');
        Application::getConnection()->queryExecute('DELETE FROM b_sale_order_dlv_basket WHERE ORDER_DELIVERY_ID = ' . $this->getId());
        foreach ($this->items as $item) {
            $item->save($this->getId());
        }
        $this->items->saved();
    }
}

class ShipmentCollection extends Collection
{
    public function createItem(Delivery\Services\Service $service = null)
    {
        $shipment = $this->add(new Shipment($this->order, []));
        if ($service) {
            $shipment->setFields(['DELIVERY_ID' => $service->getId(), 'DELIVERY_NAME' => $service->getName()]);
        }
        return $shipment;
    }
}

class Payment extends Entity
{
    const FIELDS = ['SUM', 'CURRENCY', 'PAY_SYSTEM_ID', 'PAY_SYSTEM_NAME', 'PAID'];
    const MONEY = ['SUM'];

    private $order;

    public function __construct(Order $order, array $fields)
    {
        $this->order = $order;
        $this->fields = $fields + ['PAID' => 'N'];
        $this->isChanged = empty($fields['ID']);
    }

    public function isPaid()
    {
        return $this->getField('PAID') === 'Y';
    }

    public function setPaid($flag)
    {
        return $this->setField('PAID', $flag);
    }

    protected function onFieldModify($name, $old, $value)
    {
        // sale/lib/order.php, onPaymentCollectionModify()
        if (in_array($name, ['SUM', 'PAID'], true) && $this->order->getField('CANCELED') === 'Y') {
            return Result::refusal('Заказ отменён');
        }
        // sale/lib/payment.php, onFieldModify()
        if ($name === 'SUM' && $this->isPaid()) {
            return Result::refusal('Нельзя изменить сумму проведённой оплаты');
        }
        if ($name === 'PAID') {
            if ($value === 'Y') {
                global $USER;
                $this->fields['EMP_PAID_ID'] = $USER->GetID();
            }
            $this->order->syncPaid();
        } elseif ($name === 'PAY_SYSTEM_ID') {
            $this->order->setFieldNoDemand('PAY_SYSTEM_ID', $value);
        }
        return new Result();
    }

    public function save($orderId)
    {
        $this->fields['ORDER_ID'] = $orderId;
        $this->store('b_sale_order_payment');
    }
}

class PaymentCollection extends Collection
{
    public function hasPaidPayment()
    {
        foreach ($this->items as $payment) {
            if ($payment->isPaid()) {
                return true;
            }
        }
        return false;
    }

    public function createItem(PaySystem\Service $service = null)
    {
        $payment = $this->add(new Payment($this->order, []));
        $payment->setFields(['PAY_SYSTEM_ID' => $service->getField('ID'), 'PAY_SYSTEM_NAME' => $service->getField('NAME')]);
        return $payment;
    }
}

class PropertyValue extends Entity
{
    const FIELDS = ['VALUE'];

    public function __construct(array $fields)
    {
        $this->fields = $fields;
    }

    public function getValue()
    {
        return $this->getField('VALUE');
    }

    public function setValue($value)
    {
        return $this->setField('VALUE', $value);
    }

    public function save($orderId)
    {
        if (!$this->isChanged) {
            return;
        }
        $value = $this->getValue();
        $row = [
            'ORDER_ID' => $orderId, 'ENTITY_ID' => $orderId, 'ENTITY_TYPE' => 'ORDER', 'CODE' => $this->getField('CODE'),
            'ORDER_PROPS_ID' => $this->getField('ORDER_PROPS_ID'), 'NAME' => $this->getField('NAME'),
            'VALUE' => is_array($value) ? serialize($value) : $value,
        ];
        $id = Application::getConnection()->put('b_sale_order_props_value', $row, $this->getId() ?: null);
        $this->fields['ID'] = $id;
        $this->isChanged = false;
    }
}

class Order extends Entity
{
    const FIELDS = [
        'LID', 'PERSON_TYPE_ID', 'CANCELED', 'DATE_CANCELED', 'REASON_CANCELED', 'STATUS_ID', 'DATE_STATUS',
        'EMP_STATUS_ID', 'MARKED', 'PRICE', 'CURRENCY', 'DISCOUNT_VALUE', 'USER_ID', 'USER_DESCRIPTION',
        'ADDITIONAL_INFO', 'COMMENTS', 'ORDER_TOPIC', 'RESPONSIBLE_ID', 'XML_ID', 'EXTERNAL_ORDER', 'COMPANY_ID',
    ];
    const MONEY = ['PRICE', 'PRICE_DELIVERY', 'DISCOUNT_VALUE'];

    private $basket;
    private $shipments;
    private $payments;
    private $properties;

    private function __construct(array $fields)
    {
        $this->fields = $fields;
        $this->basket = new Basket();
        $this->shipments = new ShipmentCollection();
        $this->payments = new PaymentCollection();
        $this->basket->order = $this->shipments->order = $this->payments->order = $this;
    }

    public static function create($siteId, $userId, $currency)
    {
        $order = new self([
            'LID' => $siteId, 'USER_ID' => $userId, 'CURRENCY' => $currency, 'STATUS_ID' => 'N', 'PRICE' => 0,
            'DATE_STATUS' => new DateTime(), 'CANCELED' => 'N', 'PAYED' => 'N', 'PRICE_DELIVERY' => 0,
            'XML_ID' => uniqid('bx_'),
        ]);
        $order->isChanged = true;
        $order->shipments->add(new Shipment($order, ['SYSTEM' => 'Y']));
        return $order;
    }

    public static function load($id)
    {
        $connection = Application::getConnection();
        $row = $connection->query('SELECT * FROM b_sale_order WHERE ID = ' . (int)$id)->fetch();
        if (!$row) {
            return null;
        }
        $order = new self($row);
        foreach ($connection->query('SELECT * FROM b_sale_basket WHERE ORDER_ID = ' . (int)$id . ' ORDER BY ID')->fetchAll() as $line) {
            $order->basket->add(new BasketItem($order->basket, $line));
        }
        foreach ($connection->query('SELECT * FROM b_sale_order_delivery WHERE ORDER_ID = ' . (int)$id)->fetchAll() as $row) {
            $shipment = $order->shipments->add(new Shipment($order, $row));
            $sql = 'SELECT * FROM b_sale_order_dlv_basket WHERE ORDER_DELIVERY_ID = ' . $row['ID'];
            foreach ($connection->query($sql)->fetchAll() as $shipped) {
                foreach ($order->basket as $item) {
                    if ($item->getId() === (int)$shipped['BASKET_ID']) {
                        $shipment->items->add(new ShipmentItem($shipment, $item, ['QUANTITY' => $shipped['QUANTITY']]));
                    }
                }
            }
        }
        foreach ($connection->query('SELECT * FROM b_sale_order_payment WHERE ORDER_ID = ' . (int)$id)->fetchAll() as $row) {
            $order->payments->add(new Payment($order, $row));
        }
        return $order;
    }

    public function setPersonTypeId($id)
    {
        return $this->setField('PERSON_TYPE_ID', $id);
    }

    public function setBasket(Basket $basket)
    {
        $this->basket = $basket;
        $basket->order = $this;
        $this->refreshPrice();
        return new Result();
    }

    public function getBasket()
    {
        return $this->basket;
    }

    public function getShipmentCollection()
    {
        return $this->shipments;
    }

    public function getPaymentCollection()
    {
        return $this->payments;
    }

    public function getPropertyCollection()
    {
        if (!$this->properties) {
            $this->properties = new Collection();
            $sql = 'SELECT p.ID AS ORDER_PROPS_ID, p.CODE, p.NAME, p.MULTIPLE, v.ID, v.VALUE FROM b_sale_order_props p'
                . ' LEFT JOIN b_sale_order_props_value v ON v.ORDER_PROPS_ID = p.ID AND v.ORDER_ID = ' . $this->getId()
                . ' WHERE p.PERSON_TYPE_ID = ' . (int)$this->getField('PERSON_TYPE_ID');
            foreach (Application::getConnection()->query($sql)->fetchAll() as $row) {
                if ($row['MULTIPLE'] === 'Y') {
                    $row['VALUE'] = $row['VALUE'] ? unserialize($row['VALUE']) : [];
                }
                $this->properties->add(new PropertyValue($row));
            }
        }
        return $this->properties;
    }

    public function getPrice()
    {
        return (float)$this->getField('PRICE');
    }

    public function shippedQuantity(BasketItem $basketItem)
    {
        $sum = 0.0;
        foreach ($this->shipments as $shipment) {
            $shipped = $shipment->items->getItemByBasketCode($basketItem->getBasketCode());
            $sum += $shipped ? $shipped->getQuantity() : 0;
        }
        return $sum;
    }

    public function forgetShipped(BasketItem $basketItem)
    {
        foreach ($this->shipments as $shipment) {
            $shipped = $shipment->items->getItemByBasketCode($basketItem->getBasketCode());
            if ($shipped) {
                $shipment->items->remove($shipped);
            }
        }
    }

    /** Basket and delivery, and nothing of what else was agreed on. */
    public function refreshPrice()
    {
        $delivery = 0.0;
        foreach ($this->shipments as $shipment) {
            $delivery += (float)$shipment->getField('PRICE_DELIVERY');
        }
        $sum = $delivery;
        foreach ($this->basket as $item) {
            $sum += (float)$item->getField('PRICE') * $item->getQuantity();
        }
        $this->setFieldNoDemand('PRICE_DELIVERY', $delivery);
        $this->setFieldNoDemand('PRICE', $sum);
    }

    /** sale/lib/order.php, syncOrderAndPayments(): what is paid over the price goes to the customer's account. */
    public function syncPaid()
    {
        $sum = 0.0;
        $hasPaid = false;
        foreach ($this->payments as $payment) {
            $sum += $payment->isPaid() ? (float)$payment->getField('SUM') : 0;
            $hasPaid = $hasPaid || $payment->isPaid();
        }
        $paid = min($sum, $this->getPrice());
        $this->setFieldNoDemand('SUM_PAID', number_format($paid, 2, '.', ''));
        $flag = $hasPaid && round($sum, 2) >= round($this->getPrice(), 2) ? 'Y' : 'N';
        if ($flag !== $this->getField('PAYED')) {
            $this->setFieldNoDemand('PAYED', $flag);
            $this->setFieldNoDemand('DATE_PAYED', new DateTime());
        }
    }

    public function doFinalAction($hasMeaningfulField = false)
    {
        $this->refreshPrice();
        return new Result();
    }

    protected function onFieldModify($name, $old, $value)
    {
        if ($name === 'USER_ID' || $name === 'CURRENCY') {
            throw new \Bitrix\Main\NotImplementedException('field ' . $name);
        }
        if ($name === 'STATUS_ID') {
            if (defined('STAND_IN_VETO') && STAND_IN_VETO === $value) {
                return Result::refusal('Обработчик сайта запретил этот статус');
            }
            $this->fields['DATE_STATUS'] = new DateTime();
        }
        if ($name === 'PRICE') {
            $this->refreshPrice();
        }
        if ($name === 'CANCELED') {
            foreach ($this->payments as $payment) {
                if ($value === 'Y' && $payment->isPaid()) {
                    return Result::refusal('У заказа есть активные оплаты');
                }
            }
            $this->fields['DATE_CANCELED'] = new DateTime();
        }
        return new Result();
    }

    public function isChanged()
    {
        return parent::isChanged() || $this->basket->isChanged() || $this->shipments->isChanged()
            || $this->payments->isChanged() || $this->getPropertyCollection()->isChanged();
    }

    public function save()
    {
        $result = new Result();
        $connection = Application::getConnection();
        $isNew = !$this->getId();
        $isChanged = $this->isChanged();
        if ($isNew) {
            $this->fields['DATE_INSERT'] = $this->fields['DATE_UPDATE'] = new DateTime();
            $this->fields['RUNNING'] = 'Y';
            $this->store('b_sale_order');
            $this->fields['ACCOUNT_NUMBER'] = (string)$this->getId();
        } elseif ($isChanged) {
            $this->fields['VERSION'] = (int)$this->getField('VERSION') + 1;
        }
        if ($isNew || $isChanged) {
            $this->basket->save($this->getId());
            foreach ([$this->shipments, $this->payments, $this->getPropertyCollection()] as $parts) {
                foreach ($parts as $part) {
                    $part->save($this->getId());
                }
                $parts->saved();
            }
            if (defined('STAND_IN_WARNING')) {
                $result->addWarning(new Error(STAND_IN_WARNING));
            }
            $this->fields['DATE_UPDATE'] = new DateTime();
            $this->fields['RUNNING'] = 'N';
            $this->store('b_sale_order');
        }
        $event = ['ENTITY' => $this, 'IS_NEW' => $isNew, 'IS_CHANGED' => $isChanged, 'VALUES' => []];
        (new Event('sale', 'OnSaleOrderSaved', $event))->send();
        return $result;
    }

    /** Cancels, saves, deletes, tells: two saves before the last event, as in Bitrix. */
    public static function delete($id)
    {
        $order = self::load($id);
        $order->setField('CANCELED', 'Y');
        $order->save();
        $connection = Application::getConnection();
        foreach (['b_sale_order' => 'ID', 'b_sale_basket' => 'ORDER_ID', 'b_sale_order_props_value' => 'ORDER_ID'] as $table => $column) {
            $connection->queryExecute("DELETE FROM $table WHERE $column = " . (int)$id);
        }
        (new Event('sale', 'OnSaleOrderDeleted', ['ENTITY' => $order, 'VALUE' => true]))->send();
        return new Result();
    }
}
