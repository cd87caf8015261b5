<?php
/** The fake shipments. The system shipment contains the pieces that are in no other shipment. */

namespace Bitrix\Sale;

use Bitrix\Main\Application;
use Bitrix\Main\Event;
use Bitrix\Main\Type\DateTime;
use Bitrix\Sale\Delivery\Services\EmptyDeliveryService;
use Bitrix\Sale\Delivery\Services\Manager;
use Bitrix\Sale\Delivery\Services\Service;

class ShipmentItem extends Entity
{
    const TABLE = 'b_sale_order_dlv_basket';
    const FIELDS = ['QUANTITY', 'RESERVED_QUANTITY'];

    private $shipment;
    private $basketItem;

    public function __construct(Shipment $shipment, BasketItem $basketItem = null, array $values = [])
    {
        parent::__construct($values + ['QUANTITY' => 0, 'RESERVED_QUANTITY' => 0]);
        $this->shipment = $shipment;
        $this->basketItem = $basketItem;
    }

    protected function owner()
    {
        return $this->shipment->getOrder();
    }

    public function getBasketItem()
    {
        return $this->basketItem;
    }

    public function getBasketCode()
    {
        return $this->basketItem ? $this->basketItem->getBasketCode() : null;
    }

    public function getQuantity()
    {
        return (float)$this->getField('QUANTITY');
    }

    public function getReservedQuantity()
    {
        return (float)$this->getField('RESERVED_QUANTITY');
    }

    public function setQuantity($quantity)
    {
        return $this->setField('QUANTITY', (float)$quantity);
    }

    /** Move pieces between an ordinary shipment and the system shipment. */
    protected function onFieldModify($name, $old, $value)
    {
        if ($name !== 'QUANTITY') {
            return new Result();
        }
        if ($this->shipment->isSystem()) {
            throw new \Bitrix\Main\NotSupportedException('Нельзя менять системную отгрузку');
        }
        if ($this->shipment->isShipped()) {
            $text = 'Отгрузка уже отправлена. Изменения невозможны.';
            return Result::refusal($text, 'SALE_SHIPMENT_ITEM_SHIPMENT_ALREADY_SHIPPED_CANNOT_EDIT');
        }
        $shipments = $this->owner()->getShipmentCollection();
        $more = (float)$value - (float)$old;
        if ($more > $shipments->getSystemShipment()->getQuantity($this->basketItem) + 1e-9) {
            $text = 'В корзине недостаточное количество свободного товара "' . $this->basketItem->getField('NAME')
                . '" для добавления в отгрузку.'
                . ' Возможно, вы уже добавили часть товара по этому заказу в другие отгрузки';
            return Result::refusal($text, 'SALE_SHIPMENT_ITEM_LESS_AVAILABLE_QUANTITY');
        }
        $shipments->getSystemShipment()->changeQuantity($this->basketItem, -$more);
        return new Result();
    }

    public function save()
    {
        if (!$this->getId()) {
            $this->store([
                'ORDER_DELIVERY_ID' => $this->shipment->getId(), 'DATE_INSERT' => new DateTime(),
                'BASKET_ID' => $this->basketItem->getId(),
            ]);
        } elseif ($this->isChanged()) {
            $this->store();
        }
    }
}

class ShipmentItemCollection extends Collection
{
    private $shipment;

    public function __construct(Shipment $shipment)
    {
        parent::__construct($shipment->getOrder());
        $this->shipment = $shipment;
    }

    public function createItem(BasketItem $basketItem)
    {
        return $this->getItemByBasketCode($basketItem->getBasketCode())
            ?: $this->add(new ShipmentItem($this->shipment, $basketItem));
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

    /** Remove an item. Its reservation is released when the order is saved. */
    public function remove($item)
    {
        if ($item->getReservedQuantity() > 0) {
            $this->order->release($item->getBasketItem()->getProductId(), $item->getReservedQuantity());
        }
        parent::remove($item);
    }

    public function save()
    {
        foreach ($this->items as $item) {
            if ($item->getQuantity() > 0) {
                $item->save();
            }
        }
        $this->deleteRest('b_sale_order_dlv_basket', 'ORDER_DELIVERY_ID', $this->shipment->getId());
    }
}

class Shipment extends Entity
{
    const TABLE = 'b_sale_order_delivery';
    const FIELDS = [
        'STATUS_ID', 'BASE_PRICE_DELIVERY', 'PRICE_DELIVERY', 'ALLOW_DELIVERY', 'DATE_ALLOW_DELIVERY',
        'EMP_ALLOW_DELIVERY_ID', 'DEDUCTED', 'DATE_DEDUCTED', 'EMP_DEDUCTED_ID', 'REASON_UNDO_DEDUCTED', 'DELIVERY_ID',
        'DELIVERY_DOC_NUM', 'DELIVERY_DOC_DATE', 'TRACKING_NUMBER', 'XML_ID', 'PARAMS', 'DELIVERY_NAME', 'COMPANY_ID',
        'MARKED', 'WEIGHT', 'DATE_MARKED', 'EMP_MARKED_ID', 'REASON_MARKED', 'CANCELED', 'DATE_CANCELED',
        'EMP_CANCELED_ID', 'RESPONSIBLE_ID', 'COMMENTS', 'CURRENCY', 'CUSTOM_PRICE_DELIVERY', 'EXTERNAL_DELIVERY',
        'TRACKING_STATUS', 'TRACKING_DESCRIPTION', 'ACCOUNT_NUMBER', 'DISCOUNT_PRICE',
    ];
    const MEANINGFUL = ['BASE_PRICE_DELIVERY', 'DELIVERY_ID'];
    const MONEY = ['PRICE_DELIVERY', 'BASE_PRICE_DELIVERY', 'DISCOUNT_PRICE'];

    private $order;
    private $items;

    public function __construct(Order $order, array $values)
    {
        parent::__construct($values);
        $this->order = $order;
        $this->items = new ShipmentItemCollection($this);
    }

    /** Create a shipment. Without a service, it gets the service named «Без доставки», so it is never without one. */
    public static function create(Order $order, Service $service = null, $isSystem = false)
    {
        $empty = Manager::getObjectById(EmptyDeliveryService::getEmptyDeliveryServiceId());
        $shipment = new self($order, []);
        $shipment->setFieldsNoDemand([
            'DATE_INSERT' => new DateTime(), 'DELIVERY_ID' => $empty->getId(), 'DELIVERY_NAME' => $empty->getName(),
            'ALLOW_DELIVERY' => 'N', 'DEDUCTED' => 'N', 'CUSTOM_PRICE_DELIVERY' => 'N', 'MARKED' => 'N',
            'CANCELED' => 'N', 'SYSTEM' => $isSystem ? 'Y' : 'N', 'XML_ID' => uniqid('bx_'), 'RESERVED' => 'N',
            'STATUS_ID' => 'DN',
        ]);
        return $shipment;
    }

    protected function owner()
    {
        return $this->order;
    }

    public function getOrder()
    {
        return $this->order;
    }

    public function isSystem()
    {
        return $this->getField('SYSTEM') === 'Y';
    }

    public function isShipped()
    {
        return $this->getField('DEDUCTED') === 'Y';
    }

    /** Return whether the next save ships the shipment, or returns its pieces to the stock. */
    public function isShippedOtherwise()
    {
        return $this->fields->isChanged('DEDUCTED') && ($this->isShipped() || $this->getId() > 0);
    }

    public function isCanceled()
    {
        return $this->getField('CANCELED') === 'Y';
    }

    public function isAllowDelivery()
    {
        return $this->getField('ALLOW_DELIVERY') === 'Y';
    }

    public function isCustomPrice()
    {
        return $this->getField('CUSTOM_PRICE_DELIVERY') === 'Y';
    }

    public function isEmpty()
    {
        return !count($this->items);
    }

    public function getDeliveryId()
    {
        return (int)$this->getField('DELIVERY_ID');
    }

    public function getPrice()
    {
        return (float)$this->getField('PRICE_DELIVERY');
    }

    public function getDelivery()
    {
        return Manager::getObjectById($this->getDeliveryId());
    }

    public function getShipmentItemCollection()
    {
        return $this->items;
    }

    public function isChanged()
    {
        return parent::isChanged() || $this->items->isChanged();
    }

    public function clearChanged()
    {
        parent::clearChanged();
        $this->items->clearChanged();
    }

    public function getQuantity(BasketItem $basketItem)
    {
        $item = $this->items->getItemByBasketCode($basketItem->getBasketCode());
        return $item ? $item->getQuantity() : 0.0;
    }

    /** Change the quantity of an item in the system shipment. The rules for other shipments do not apply. */
    public function changeQuantity(BasketItem $basketItem, $by)
    {
        $item = $this->items->createItem($basketItem);
        $item->setFieldNoDemand('QUANTITY', $item->getQuantity() + $by);
        if ($item->getQuantity() <= 1e-9) {
            $this->items->remove($item);
        }
    }

    public function updateReservedFlag()
    {
        $isReserved = count($this->items) > 0;
        foreach ($this->items as $item) {
            $isReserved = $isReserved && $item->getQuantity() - $item->getReservedQuantity() < 1e-6;
        }
        $this->setFieldNoDemand('RESERVED', $isReserved ? 'Y' : 'N');
    }

    protected function onFieldModify($name, $old, $value)
    {
        $result = new Result();
        if ($this->order->isCanceled()) {
            $refusals = [
                'BASE_PRICE_DELIVERY' => 'Невозможно изменить стоимость отгрузки отмененного заказа',
                'PRICE_DELIVERY' => 'Невозможно изменить стоимость отгрузки отмененного заказа',
                'ALLOW_DELIVERY' => 'Невозможно изменить разрешение отгрузки у отмененного заказа',
                'DEDUCTED' => 'Невозможно отгрузить отмененный заказ',
            ];
            if (isset($refusals[$name])) {
                return Result::refusal($refusals[$name]);
            }
        }
        if ($name === 'DELIVERY_ID') {
            $service = Manager::getObjectById($value);
            $result->join($service ? $this->setField('DELIVERY_NAME', $service->getName()) : new Result());
        } elseif ($name === 'DEDUCTED') {
            $this->setField('DATE_DEDUCTED', new DateTime());
        } elseif ($name === 'MARKED' && $old !== 'Y') {
            $this->setField('DATE_MARKED', new DateTime());
        }
        $result->join($this->order->onShipmentModify($this, $name, $old, $value));
        if ($name === 'BASE_PRICE_DELIVERY' && !$this->isCustomPrice()) {
            $result->join($this->setField('PRICE_DELIVERY', (float)$value - (float)$this->getField('DISCOUNT_PRICE')));
        }
        return $result;
    }

    /** Set the price of the delivery service, unless a different price was agreed. */
    public function calculateDelivery()
    {
        $service = $this->getDelivery();
        return $this->isCustomPrice() || !$service
            ? new Result()
            : $this->setField('BASE_PRICE_DELIVERY', $service->getPrice());
    }

    protected function noteInHistory($name, $old, $value)
    {
        if ($this->getId() && !$this->isSystem()) {
            $this->order->history()->field('SHIPMENT', $name, $old, $value, $this);
        }
    }

    public function save()
    {
        $isNew = !$this->getId();
        $hasNumber = $this->fields->isChanged('TRACKING_NUMBER') && (string)$this->getField('TRACKING_NUMBER') !== '';
        if ($isNew) {
            $this->store(['ORDER_ID' => $this->order->getId()]);
            $number = $this->order->getField('ACCOUNT_NUMBER') . '/' . count($this->order->getShipmentCollection());
            $this->setFieldNoDemand('ACCOUNT_NUMBER', $this->isSystem() ? null : $number);
            $this->store();
        } elseif ($this->fields->getChangedValues()) {
            $this->store(['DATE_UPDATE' => new DateTime()]);
        }
        $this->items->save();
        if ($hasNumber && !$this->isSystem()) {
            (new Event('sale', 'OnShipmentTrackingNumberChange', ['ENTITY' => $this]))->send();
            Notify::callNotify($this->order, 'OnShipmentTrackingNumberChange', $this);
        }
    }

    public function delete()
    {
        if ($this->isShipped()) {
            return Result::refusal('Отгрузка уже отправлена. Удаление невозможно.', 'SALE_SHIPMENT_EXIST_SHIPPED');
        }
        foreach ($this->items as $item) {
            $this->items->remove($item);
        }
        $this->order->getShipmentCollection()->remove($this);
        return new Result();
    }
}
