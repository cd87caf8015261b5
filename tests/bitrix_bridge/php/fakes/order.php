<?php
/** The fake order. */

namespace Bitrix\Sale;

use Bitrix\Main\Application;
use Bitrix\Main\ArgumentNullException;
use Bitrix\Main\Event;
use Bitrix\Main\NotImplementedException;
use Bitrix\Main\Type\DateTime;

class Order extends Entity
{
    use OrderMoney;
    use OrderSaving;

    const TABLE = 'b_sale_order';
    const FIELDS = [
        'LID', 'PERSON_TYPE_ID', 'CANCELED', 'DATE_CANCELED', 'EMP_CANCELED_ID', 'REASON_CANCELED', 'STATUS_ID',
        'DATE_STATUS', 'EMP_STATUS_ID', 'DEDUCTED', 'MARKED', 'DATE_MARKED', 'EMP_MARKED_ID', 'REASON_MARKED', 'PRICE',
        'CURRENCY', 'DISCOUNT_VALUE', 'USER_ID', 'DATE_INSERT', 'DATE_UPDATE', 'USER_DESCRIPTION', 'ADDITIONAL_INFO',
        'COMMENTS', 'TAX_VALUE', 'STAT_GID', 'RECURRING_ID', 'LOCKED_BY', 'IS_RECURRING', 'DATE_LOCK', 'RECOUNT_FLAG',
        'AFFILIATE_ID', 'DELIVERY_DOC_NUM', 'DELIVERY_DOC_DATE', 'UPDATED_1C', 'STORE_ID', 'ORDER_TOPIC',
        'RESPONSIBLE_ID', 'DATE_BILL', 'DATE_PAY_BEFORE', 'ACCOUNT_NUMBER', 'XML_ID', 'ID_1C', 'VERSION_1C', 'VERSION',
        'EXTERNAL_ORDER', 'COMPANY_ID', 'IS_SYNC_B24',
    ];
    const MEANINGFUL = ['PERSON_TYPE_ID', 'PRICE'];
    const MONEY = ['PRICE', 'PRICE_DELIVERY', 'SUM_PAID', 'PRICE_PAYMENT', 'DISCOUNT_VALUE'];

    private $basket;
    private $shipments;
    private $payments;
    private $properties;
    private $history;
    private $markers;
    private $isNew = false;

    public static function create($siteId, $userId = null, $currency = null)
    {
        $order = new static();
        $order->isNew = true;
        $order->setFieldsNoDemand([
            'LID' => $siteId, 'USER_ID' => $userId, 'CURRENCY' => $currency ?: 'KZT', 'CANCELED' => 'N',
            'DEDUCTED' => 'N', 'ALLOW_DELIVERY' => 'N', 'PAYED' => 'N', 'XML_ID' => uniqid('bx_'),
            'PRICE_DELIVERY' => 0, 'SUM_PAID' => 0,
        ]);
        $order->setField('STATUS_ID', 'N');
        return $order;
    }

    /** Load the row of an order now, and its parts when they are first used. */
    public static function load($id)
    {
        if ((int)$id <= 0) {
            throw new ArgumentNullException('id');
        }
        $row = Application::getConnection()->one('SELECT * FROM b_sale_order WHERE ID = ?', [(int)$id]);
        return $row ? new static($row) : null;
    }

    protected function owner()
    {
        return $this;
    }

    public function setPersonTypeId($id)
    {
        return $this->setField('PERSON_TYPE_ID', (int)$id);
    }

    public function getPersonTypeId()
    {
        return $this->getField('PERSON_TYPE_ID');
    }

    public function getUserId()
    {
        return $this->getField('USER_ID');
    }

    public function getCurrency()
    {
        return $this->getField('CURRENCY');
    }

    public function getSiteId()
    {
        return $this->getField('LID');
    }

    public function getPrice()
    {
        return (float)$this->getField('PRICE');
    }

    public function getDeliveryPrice()
    {
        return (float)$this->getField('PRICE_DELIVERY');
    }

    public function getSumPaid()
    {
        return (float)$this->getField('SUM_PAID');
    }

    public function isNew()
    {
        return $this->isNew;
    }

    public function isPaid()
    {
        return $this->getField('PAYED') === 'Y';
    }

    public function isCanceled()
    {
        return $this->getField('CANCELED') === 'Y';
    }

    public function isShipped()
    {
        return $this->getShipmentCollection()->isShipped();
    }

    public function isMarked()
    {
        return $this->getField('MARKED') === 'Y';
    }

    public function setBasket(Basket $basket)
    {
        $isStart = $this->isStartField();
        $this->basket = $basket;
        $basket->setOrder($this);
        $this->getShipmentCollection()->resetCollection();
        $result = $this->refreshData();
        return $isStart ? $result->join($this->doFinalAction($this->hasMeaningfulField())) : $result;
    }

    public function getBasket()
    {
        if (!$this->basket && $this->getId()) {
            $this->basket = Basket::loadItemsForOrder($this);
        }
        return $this->basket;
    }

    public function getShipmentCollection()
    {
        return $this->shipments = $this->shipments ?: ShipmentCollection::load($this);
    }

    public function getPaymentCollection()
    {
        return $this->payments = $this->payments ?: PaymentCollection::load($this);
    }

    public function getPropertyCollection()
    {
        return $this->properties = $this->properties ?: PropertyValueCollection::load($this);
    }

    public function history()
    {
        return $this->history = $this->history ?: new OrderHistory($this);
    }

    public function markers()
    {
        return $this->markers = $this->markers ?: new EntityMarker($this);
    }

    private function parts()
    {
        $always = [$this->getPropertyCollection(), $this->getPaymentCollection(), $this->getShipmentCollection()];
        return array_merge($this->getBasket() ? [$this->getBasket()] : [], $always);
    }

    public function isChanged()
    {
        if (parent::isChanged()) {
            return true;
        }
        foreach ($this->parts() as $part) {
            if ($part->isChanged()) {
                return true;
            }
        }
        return false;
    }

    public function clearChanged()
    {
        parent::clearChanged();
        foreach ($this->parts() as $part) {
            $part->clearChanged();
        }
    }

    protected function checkValueBeforeSet($name, $value)
    {
        $sql = 'SELECT ID FROM b_sale_order WHERE ACCOUNT_NUMBER = ?';
        if ($name === 'ACCOUNT_NUMBER' && Application::getConnection()->one($sql, [(string)$value])) {
            return Result::refusal('Заказ с таким номером уже существует');
        }
        return new Result();
    }

    protected function onFieldModify($name, $old, $value)
    {
        switch ($name) {
            case 'USER_ID':
            case 'CURRENCY':
                throw new NotImplementedException('field ' . $name);
            case 'PRICE':
                return $this->onPrice($old, $value);
            case 'STATUS_ID':
                return $this->onStatus($old, $value);
            case 'CANCELED':
                return $this->onCanceled($value);
            case 'MARKED':
                $this->setField('DATE_MARKED', new DateTime());
                if ($value === 'N') {
                    $this->setField('REASON_MARKED', '');
                    foreach ($this->getShipmentCollection()->getNotSystemItems() as $shipment) {
                        $shipment->setField('MARKED', 'N');
                    }
                }
        }
        return new Result();
    }

    /** Apply a new status, without checking whether the status exists. */
    private function onStatus($old, $value)
    {
        $parameters = ['ENTITY' => $this, 'VALUE' => $value, 'OLD_VALUE' => $old];
        $event = new Event('sale', 'OnSaleBeforeStatusOrderChange', $parameters);
        $event->send();
        foreach ($event->refusals('Ошибка при смене статуса заказа') as $refusal) {
            return (new Result())->addError($refusal);
        }
        if (defined('FAKE_VETO') && FAKE_VETO === $value) {
            return Result::refusal('Обработчик сайта запретил этот статус');
        }
        $this->setField('DATE_STATUS', new DateTime());
        $this->later('OnSaleStatusOrderChange', $parameters);
        return new Result();
    }

    private function onCanceled($value)
    {
        $event = new Event('sale', 'OnSaleBeforeOrderCanceled', ['ENTITY' => $this]);
        $event->send();
        foreach ($event->refusals('Ошибка при отмене заказа') as $refusal) {
            return (new Result())->addError($refusal);
        }
        if ($value === 'Y' && $this->getPaymentCollection()->hasPaidPayment()) {
            return Result::refusal('У заказа есть активные оплаты', 'SALE_ORDER_CANCEL_PAYMENT_EXIST_ACTIVE');
        }
        if ($value === 'Y' && $this->getShipmentCollection()->hasShipped()) {
            return Result::refusal('У заказа есть отгруженные товары', 'SALE_ORDER_CANCEL_SHIPMENT_EXIST_SHIPPED');
        }
        $this->setField('DATE_CANCELED', new DateTime());
        $this->later('OnSaleOrderCanceled', ['ENTITY' => $this]);
        return new Result();
    }

    protected function noteInHistory($name, $old, $value)
    {
        if ($this->getId()) {
            $this->history()->field('ORDER', $name, $old, $value, $this);
        }
    }
}
