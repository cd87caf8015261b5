<?php
/** The fake collection of an order's shipments. It decides which shipment a new quantity of an item changes. */

namespace Bitrix\Sale;

use Bitrix\Main\Application;
use Bitrix\Sale\Delivery\Services\Service;

class ShipmentCollection extends Collection
{
    public static function load(Order $order)
    {
        $shipments = new self($order);
        $connection = Application::getConnection();
        $sql = 'SELECT * FROM b_sale_order_delivery WHERE ORDER_ID = ? ORDER BY ID';
        foreach ($order->getId() ? $connection->all($sql, [$order->getId()]) : [] as $row) {
            $shipment = $shipments->add(new Shipment($order, $row));
            $sql = 'SELECT * FROM b_sale_order_dlv_basket WHERE ORDER_DELIVERY_ID = ? ORDER BY ID';
            foreach ($connection->all($sql, [$row['ID']]) as $inside) {
                $line = $order->getBasket()->getItemById($inside['BASKET_ID']);
                if ($line) {
                    $shipment->getShipmentItemCollection()->add(new ShipmentItem($shipment, $line, $inside));
                }
            }
        }
        return $shipments;
    }

    public function createItem(Service $service = null)
    {
        $shipment = $this->add(Shipment::create($this->order));
        $this->order->getPropertyCollection();
        $this->order->setFieldNoDemand('DELIVERY_ID', $shipment->getDeliveryId());
        if ($service) {
            $shipment->setFields(['DELIVERY_ID' => $service->getId(), 'DELIVERY_NAME' => $service->getName()]);
        }
        return $shipment;
    }

    public function getNotSystemItems()
    {
        return array_values(array_filter($this->items, function (Shipment $shipment) {
            return !$shipment->isSystem();
        }));
    }

    public function getSystemShipment()
    {
        foreach ($this->items as $shipment) {
            if ($shipment->isSystem()) {
                return $shipment;
            }
        }
        return $this->add(Shipment::create($this->order, null, true));
    }

    /** Delete all shipments. A new system shipment then contains the whole basket. */
    public function resetCollection()
    {
        foreach ($this->items as $shipment) {
            $this->remove($shipment);
        }
        foreach ($this->order->getBasket() as $item) {
            $this->getSystemShipment()->changeQuantity($item, $item->getQuantity());
        }
    }

    public function getPriceDelivery()
    {
        $sum = 0.0;
        foreach ($this->getNotSystemItems() as $shipment) {
            $sum += $shipment->getPrice();
        }
        return $sum;
    }

    public function isItemShipped(BasketItem $item)
    {
        foreach ($this->getNotSystemItems() as $shipment) {
            if ($shipment->isShipped() && $shipment->getQuantity($item) > 0) {
                return true;
            }
        }
        return false;
    }

    public function isShipped()
    {
        foreach ($this->items as $shipment) {
            if (!$shipment->isEmpty() && ($shipment->isSystem() || !$shipment->isShipped())) {
                return false;
            }
        }
        return count($this->items) > 0;
    }

    public function hasShipped()
    {
        foreach ($this->items as $shipment) {
            if ($shipment->isShipped()) {
                return true;
            }
        }
        return false;
    }

    public function isAllowDelivery()
    {
        foreach ($this->items as $shipment) {
            if (!$shipment->isEmpty() && ($shipment->isSystem() || !$shipment->isAllowDelivery())) {
                return false;
            }
        }
        return count($this->items) > 0;
    }

    public function forget(BasketItem $item)
    {
        foreach ($this->items as $shipment) {
            $inside = $shipment->getShipmentItemCollection()->getItemByBasketCode($item->getBasketCode());
            if ($inside) {
                $shipment->getShipmentItemCollection()->remove($inside);
            }
        }
    }

    /** Apply a new quantity of an item to the only unprocessed shipment, or else to the system shipment. */
    public function onBasketQuantity(BasketItem $item, $old, $new)
    {
        $more = $new - $old;
        $following = $this->followingShipment($item);
        if (!$following) {
            $refusal = $this->checkDistributed($item, $new);
            if (!$refusal->isSuccess()) {
                return $refusal;
            }
        }
        $system = $this->getSystemShipment();
        if ($more > 0) {
            $system->changeQuantity($item, $more);
        }
        if ($following) {
            $inside = $following->getShipmentItemCollection()->createItem($item);
            $result = $inside->setQuantity($inside->getQuantity() + $more);
            if (!$result->isSuccess()) {
                return $result;
            }
            $following->calculateDelivery();
        }
        if ($more < 0 && $system->getQuantity($item) > 0) {
            $system->changeQuantity($item, $more);
        }
        return new Result();
    }

    private function followingShipment(BasketItem $item)
    {
        $ordinary = $this->getNotSystemItems();
        if (count($ordinary) !== 1 || ($item->getId() && $this->getSystemShipment()->getQuantity($item) > 0)) {
            return null;
        }
        list($shipment) = $ordinary;
        $service = $shipment->getDelivery();
        $isTouched = $shipment->isAllowDelivery() || $shipment->isCanceled() || $shipment->isShipped();
        return !$isTouched && $service && $service->isAllowEditShipment() ? $shipment : null;
    }

    private function checkDistributed(BasketItem $item, $quantity)
    {
        $distributed = 0.0;
        foreach ($this->getNotSystemItems() as $shipment) {
            $distributed += $shipment->getQuantity($item);
        }
        if ($distributed <= $quantity) {
            return new Result();
        }
        $measure = $item->getField('MEASURE_NAME');
        $text = 'Товар "' . $item->getField('NAME') . "\" распределен по отгрузкам в количестве $distributed $measure."
            . ' Для того, чтобы уменьшить количество товара в заказе, необходимо уменьшить его количество в отгрузках'
            . ' как минимум на ' . ($distributed - $quantity) . " $measure.";
        return Result::refusal($text, 'SALE_ORDER_SYSTEM_SHIPMENT_LESS_QUANTITY');
    }

    public function save()
    {
        $ordinary = $this->getNotSystemItems();
        if ($ordinary && !$this->getSystemShipment()->getId()) {
            // The system shipment gets the delivery service of the first ordinary shipment, but no price.
            $system = $this->getSystemShipment();
            $system->setFieldNoDemand('DELIVERY_ID', $ordinary[0]->getDeliveryId());
            $system->setFieldNoDemand('DELIVERY_NAME', $ordinary[0]->getField('DELIVERY_NAME'));
        }
        foreach ($this->items as $shipment) {
            $shipment->save();
        }
        foreach ($this->deleteRest('b_sale_order_delivery', 'ORDER_ID', $this->order->getId()) as $row) {
            $sql = 'DELETE FROM b_sale_order_dlv_basket WHERE ORDER_DELIVERY_ID = ?';
            Application::getConnection()->change($sql, [$row['ID']]);
        }
    }
}
