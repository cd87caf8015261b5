<?php
/** The fake basket and its items. */

namespace Bitrix\Sale;

use Bitrix\Main\Application;
use Bitrix\Main\Event;
use Bitrix\Main\Type\DateTime;
use Bitrix\Sale\Internals\Catalog\Provider;

class BasketItem extends Entity
{
    const TABLE = 'b_sale_basket';
    const FIELDS = [
        'NAME', 'LID', 'SORT', 'PRODUCT_ID', 'PRODUCT_PRICE_ID', 'PRICE_TYPE_ID', 'CATALOG_XML_ID', 'PRODUCT_XML_ID',
        'DETAIL_PAGE_URL', 'BASE_PRICE', 'PRICE', 'DISCOUNT_PRICE', 'CURRENCY', 'CUSTOM_PRICE', 'QUANTITY', 'WEIGHT',
        'DIMENSIONS', 'MEASURE_CODE', 'MEASURE_NAME', 'DELAY', 'CAN_BUY', 'NOTES', 'VAT_RATE', 'VAT_INCLUDED',
        'BARCODE_MULTI', 'SUBSCRIBE', 'PRODUCT_PROVIDER_CLASS', 'CALLBACK_FUNC', 'ORDER_CALLBACK_FUNC',
        'CANCEL_CALLBACK_FUNC', 'PAY_CALLBACK_FUNC', 'TYPE', 'SET_PARENT_ID', 'DISCOUNT_NAME', 'DISCOUNT_VALUE',
        'DISCOUNT_COUPON', 'RECOMMENDATION', 'XML_ID', 'MARKING_CODE_GROUP',
    ];
    const MEANINGFUL = ['QUANTITY', 'PRICE', 'CUSTOM_PRICE'];
    const MONEY = ['PRICE', 'BASE_PRICE', 'DISCOUNT_PRICE'];
    const FIRST = [
        'CURRENCY', 'CUSTOM_PRICE', 'VAT_RATE', 'VAT_INCLUDED', 'PRODUCT_PROVIDER_CLASS', 'SUBSCRIBE', 'TYPE', 'LID',
    ];

    private static $codes = 0;
    private $basket;
    private $code;
    private $isCustomPrice;

    /** A provider that was loaded is kept, even if its column is emptied later. */
    private $provider;

    public function __construct(Basket $basket, array $values)
    {
        parent::__construct($values);
        $this->basket = $basket;
        $this->code = $this->getId() ?: 'n' . ++self::$codes;
        $this->isCustomPrice = $this->getField('CUSTOM_PRICE') === 'Y';
    }

    protected function owner()
    {
        return $this->basket->getOrder();
    }

    public function getBasketCode()
    {
        return $this->code;
    }

    public function getProductId()
    {
        return (int)$this->getField('PRODUCT_ID');
    }

    public function getQuantity()
    {
        return (float)$this->getField('QUANTITY');
    }

    public function getPrice()
    {
        return (float)$this->getField('PRICE');
    }

    public function getBasePrice()
    {
        return (float)$this->getField('BASE_PRICE');
    }

    public function getFinalPrice()
    {
        return PriceMaths::roundPrecision($this->getPrice() * $this->getQuantity());
    }

    public function isCustomPrice()
    {
        return $this->isCustomPrice;
    }

    public function markFieldCustom($name)
    {
        $this->isCustomPrice = $this->isCustomPrice || $name === 'PRICE';
    }

    public function getProvider()
    {
        if ($this->provider === null && (string)$this->getField('PRODUCT_PROVIDER_CLASS') !== '') {
            $class = $this->getField('PRODUCT_PROVIDER_CLASS');
            $this->provider = Provider::getProviderName($this->getField('MODULE'), $class);
        }
        return $this->provider;
    }

    public function getReservedQuantity()
    {
        $sum = 0.0;
        foreach ($this->owner() ? $this->owner()->getShipmentCollection() : [] as $shipment) {
            $item = $shipment->getShipmentItemCollection()->getItemByBasketCode($this->code);
            $sum += $item ? $item->getReservedQuantity() : 0.0;
        }
        return $sum;
    }

    protected function onBeforeSetFields(array $values)
    {
        $first = [];
        foreach (self::FIRST as $name) {
            if (isset($values[$name])) {
                $first[$name] = $values[$name];
            }
        }
        return $first + $values;
    }

    public function setPrice($value, $isCustom = false)
    {
        $this->isCustomPrice = $this->isCustomPrice || $isCustom;
        return $this->setField('PRICE', $value);
    }

    protected function onFieldModify($name, $old, $value)
    {
        $result = new Result();
        if ($name === 'QUANTITY') {
            $result->join($this->onQuantity((float)$old, (float)$value));
        } elseif ($name === 'CUSTOM_PRICE') {
            $this->isCustomPrice = $value === 'Y';
        }
        if (!$result->isSuccess()) {
            return $result;
        }
        $order = $this->owner();
        if ($order && in_array($name, ['QUANTITY', 'PRICE'], true)) {
            $result->join($order->refreshOrderPrice());
        }
        if ($order && $name === 'QUANTITY' && $result->isSuccess()) {
            $result->join($order->getShipmentCollection()->onBasketQuantity($this, (float)$old, (float)$value));
        }
        if ($result->isSuccess() && in_array($name, ['BASE_PRICE', 'DISCOUNT_PRICE'], true) && !$this->isCustomPrice) {
            $result->join($this->setField('PRICE', $this->getBasePrice() - (float)$this->getField('DISCOUNT_PRICE')));
        }
        return $result;
    }

    /** Apply the rules for a higher and a lower quantity, and the catalogue's price if no price was agreed. */
    private function onQuantity($old, $new)
    {
        $name = $this->getField('NAME');
        if ($new == 0) {
            return Result::refusal('Количество товара "' . $name . '" не может быть меньше или равным 0');
        }
        $order = $this->owner();
        if ($order && $order->getShipmentCollection()->isItemShipped($this)) {
            $text = 'Отгрузка уже отправлена. Изменения невозможны.';
            return Result::refusal($text, 'SALE_SHIPMENT_ITEM_SHIPMENT_ALREADY_SHIPPED_CANNOT_EDIT');
        }
        $data = Provider::getAvailableQuantityAndPriceByBasketItem($this);
        if ($data === null) {
            return Result::refusal('Товар "' . $name . '" недоступен', 'SALE_BASKET_ITEM_WRONG_AVAILABLE_QUANTITY');
        }
        $available = $data['AVAILABLE_QUANTITY'];
        if ($available <= 0) {
            $text = 'Недостаточное количество товара "' . $name . '"';
            return Result::refusal($text, 'SALE_BASKET_ITEM_WRONG_AVAILABLE_QUANTITY');
        }
        if ($new > $old && round($available, 4) < round($new, 4)) {
            $more = $available - $this->getReservedQuantity();
            $text = $more > 0
                ? "Товар \"$name\" уже добавлен в корзине в количестве $old. Можно добавить не более $more"
                : 'В корзину уже добавлено максимально возможное количество товара "' . $name . '" : ' . $old;
            return Result::refusal($text, 'SALE_BASKET_AVAILABLE_QUANTITY');
        }
        $result = new Result();
        foreach ($this->isCustomPrice ? [] : $data['PRICE_DATA'] ?? [] as $field => $price) {
            $result->join($this->setField($field, $price));
        }
        return $result;
    }

    public function delete()
    {
        $order = $this->owner();
        if ($order && $order->getShipmentCollection()->isItemShipped($this)) {
            $text = 'Невозможно удалить отгруженный товар "' . $this->getField('NAME') . '"';
            return Result::refusal($text, 'SALE_BASKET_ITEM_REMOVE_IMPOSSIBLE_BECAUSE_SHIPPED');
        }
        if ($order) {
            $order->getShipmentCollection()->forget($this);
        }
        $this->basket->remove($this);
        return $order ? $order->refreshOrderPrice() : new Result();
    }

    protected function noteInHistory($name, $old, $value)
    {
        $order = $this->owner();
        if ($order && $this->getId()) {
            $order->history()->field('BASKET', $name, $old, $value, $this);
        }
    }

    public function save()
    {
        if ($this->getId() && !$this->isChanged()) {
            return;
        }
        $isNew = !$this->getId();
        $now = new DateTime();
        $order = $this->owner();
        $this->store(($isNew ? ['DATE_INSERT' => $now, 'ORDER_ID' => $order->getId()] : []) + ['DATE_UPDATE' => $now]);
        if ($isNew) {
            $order->history()->action('BASKET', 'BASKET_ADDED', $this->getId(), ['NAME' => $this->getField('NAME')]);
        }
        (new Event('sale', 'OnSaleBasketItemSaved', ['ENTITY' => $this, 'IS_NEW' => $isNew]))->send();
    }
}

class Basket extends Collection
{
    private $siteId = 's1';

    public static function create($siteId)
    {
        $basket = new self();
        $basket->siteId = $siteId;
        return $basket;
    }

    public static function loadItemsForOrder(Order $order)
    {
        $basket = new self($order);
        $sql = 'SELECT * FROM b_sale_basket WHERE ORDER_ID = ? ORDER BY SORT, ID';
        foreach (Application::getConnection()->all($sql, [$order->getId()]) as $row) {
            $basket->add(new BasketItem($basket, $row));
        }
        return $basket;
    }

    public function setOrder(Order $order)
    {
        $this->order = $order;
    }

    public function createItem($module, $productId)
    {
        $item = new BasketItem($this, [
            'MODULE' => $module, 'PRODUCT_ID' => $productId, 'FUSER_ID' => 1, 'LID' => $this->siteId, 'BASE_PRICE' => 0,
            'PRICE' => 0, 'DISCOUNT_PRICE' => 0, 'CAN_BUY' => 'Y', 'DELAY' => 'N', 'CUSTOM_PRICE' => 'N',
            'VAT_INCLUDED' => 'Y', 'NAME' => '', 'XML_ID' => uniqid('bx_'),
        ]);
        $item->getFields()->set('QUANTITY', 0);
        return $this->add($item);
    }

    public function getPrice()
    {
        $sum = 0.0;
        foreach ($this->items as $item) {
            $isBought = $item->getField('DELAY') !== 'Y' && $item->getField('CAN_BUY') !== 'N';
            $sum += $isBought ? $item->getFinalPrice() : 0.0;
        }
        return $sum;
    }

    public function getItemByBasketCode($code)
    {
        foreach ($this->items as $item) {
            if ((string)$item->getBasketCode() === (string)$code) {
                return $item;
            }
        }
        return null;
    }

    public function save()
    {
        foreach ($this->items as $item) {
            $item->save();
        }
        foreach ($this->deleteRest('b_sale_basket', 'ORDER_ID', $this->order->getId()) as $row) {
            $this->order->history()->action('BASKET', 'BASKET_REMOVED', (int)$row['ID'], ['NAME' => $row['NAME']]);
        }
    }
}
