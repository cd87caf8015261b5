<?php
/** The fake saving and deleting of an order: what is written in which sequence, and which events are sent. */

namespace Bitrix\Sale;

use Bitrix\Main\Application;
use Bitrix\Main\Error;
use Bitrix\Main\Event;
use Bitrix\Main\Type\DateTime;
use Bitrix\Sale\Internals\Catalog\Provider;
use Bitrix\Sale\Internals\UserBudgetPool;

trait OrderSaving
{
    private $isSaving = false;
    private $pool = [];
    private $released = [];
    private $isReserving = true;

    /** Queue an event until after the next save. If several events have the same name, the first one is sent. */
    public function later($event, array $parameters)
    {
        $this->pool += [$event => $parameters];
    }

    /** Release the pieces that were reserved for an item which has left a shipment. */
    public function release($productId, $quantity)
    {
        $this->released[$productId] = ($this->released[$productId] ?? 0.0) + $quantity;
    }

    public function takeReleased()
    {
        $released = $this->released;
        $this->released = [];
        return $released;
    }

    /** Make the next save release all reservations of this order. */
    public function unreserveAtSave()
    {
        $this->isReserving = false;
    }

    public function isReserving()
    {
        return $this->isReserving && !$this->isCanceled();
    }

    public function isSaveRunning()
    {
        return $this->isSaving;
    }

    /** Save the order. A part that can't be stored causes a warning, and the order is still saved. */
    public function save()
    {
        if ($this->isSaving) {
            trigger_error('Order saving in recursion', E_USER_WARNING);
        }
        $this->isSaving = true;
        $this->isNew = !$this->getId();
        $needsDateInsert = $this->getField('DATE_INSERT') === null;
        $result = new Result();
        $values = $this->fields->getOriginalValues();
        $event = new Event('sale', 'OnSaleOrderBeforeSaved', ['ENTITY' => $this, 'VALUES' => $values]);
        $event->send();
        foreach ($event->refusals('Ошибка события перед сохранением заказа') as $refusal) {
            $result->addError($refusal);
        }
        if (!$result->isSuccess()) {
            $this->isSaving = false;
            return $result;
        }
        $result->addWarnings($this->verify()->getErrors());
        $stock = Provider::save($this);
        $result->addWarnings($stock->getWarnings());
        $this->markers()->add('ORDER', $this, $stock->getWarnings());
        $this->markers()->refresh();
        $this->isNew ? $this->insert() : $this->update();
        $result->setId($this->getId());
        if ($this->fields->getOriginalValues()) {
            $event = ['ENTITY' => $this, 'VALUES' => $this->fields->getOriginalValues()];
            (new Event('sale', 'OnSaleOrderEntitySaved', $event))->send();
        }
        $result->addWarnings($this->saveParts()->getErrors());
        if (defined('FAKE_WARNING')) {
            $result->addWarning(new Error(FAKE_WARNING));
        }
        $this->completeSaving($needsDateInsert);
        $event = [
            'ENTITY' => $this, 'IS_NEW' => $this->isNew, 'IS_CHANGED' => $this->isChanged(),
            'VALUES' => $this->fields->getOriginalValues(),
        ];
        (new Event('sale', 'OnSaleOrderSaved', $event))->send();
        $this->sendPool();
        $this->history()->save();
        $this->markers()->save();
        $this->isNew = $this->isSaving = false;
        $this->clearChanged();
        return $result;
    }

    private function verify()
    {
        $result = new Result();
        foreach ($this->getBasket() ?: [] as $item) {
            if ($item->getQuantity() <= 0) {
                $name = $item->getField('NAME');
                $result->addError(new Error('Количество товара "' . $name . '" не может быть меньше или равным 0'));
            }
        }
        return $result->join($this->getPropertyCollection()->verify());
    }

    private function insert()
    {
        $now = new DateTime();
        foreach (['DATE_UPDATE', 'DATE_INSERT'] as $name) {
            if (!$this->getField($name)) {
                $this->setField($name, $now);
            }
        }
        $this->cutReason();
        $this->store(['RUNNING' => 'Y', 'VERSION' => 0]);
        $number = (string)$this->getId();
        $this->setField('ACCOUNT_NUMBER', $number);
        Application::getConnection()->put(static::TABLE, ['ACCOUNT_NUMBER' => $number], $this->getId());
        $this->history()->action('ORDER', 'ORDER_ADDED', $this->getId());
    }

    /** Write the loaded version plus one and the changed columns, without regard to other saves. */
    private function update()
    {
        if ($this->isChanged()) {
            $this->cutReason();
            $this->store(['VERSION' => (int)$this->getField('VERSION') + 1]);
        }
    }

    private function cutReason()
    {
        $reason = (string)$this->getField('REASON_MARKED');
        if (mb_strlen($reason) > 255) {
            $this->fields->set('REASON_MARKED', mb_substr($reason, 0, 255));
        }
    }

    private function saveParts()
    {
        $result = new Result();
        if ($this->getBasket()) {
            $this->getBasket()->save();
        }
        $result->join($this->getPropertyCollection()->save());
        $this->getShipmentCollection()->save();
        $this->getPaymentCollection()->save();
        UserBudgetPool::onUserBudgetSave($this->getUserId());
        return $result;
    }

    /** Write the columns that each save sets with a second UPDATE. */
    private function completeSaving($needsDateInsert)
    {
        $changes = ['RUNNING' => 'N'];
        $now = new DateTime();
        if ($this->isNew || ($this->isChanged() && !$this->fields->isChanged('DATE_UPDATE'))) {
            $changes['DATE_UPDATE'] = $now;
        }
        if ($needsDateInsert) {
            $changes['DATE_INSERT'] = $now;
        }
        $this->setFieldsNoDemand($changes);
        Application::getConnection()->put(static::TABLE, $changes, $this->getId());
    }

    private function sendPool()
    {
        foreach ($this->pool as $name => $parameters) {
            (new Event('sale', $name, $parameters))->send();
            Notify::callNotify($this, $name);
        }
        $this->pool = [];
        Notify::callNotify($this, 'OnSaleOrderSaved');
    }

    /** Delete an order: cancel and save it, remove its parts and save it, delete it, and then send one event. */
    public static function delete($id)
    {
        $order = static::load($id);
        if (!$order) {
            return Result::refusal('Заказ не найден', 'SALE_ORDER_ENTITY_NOT_FOUND');
        }
        // If the deletion is refused below, mails remain disabled. Bitrix does not enable them again either.
        Notify::setNotifyDisable(true);
        $result = $order->setField('CANCELED', 'Y');
        if (!$result->isSuccess()) {
            return $result;
        }
        $order->save();
        foreach ($order->getBasket() as $item) {
            $item->delete();
        }
        $order->getPropertyCollection()->deleteAll();
        foreach ([$order->getShipmentCollection(), $order->getPaymentCollection()] as $parts) {
            foreach ($parts as $part) {
                $part->delete();
            }
        }
        $event = new Event('sale', 'OnSaleBeforeOrderDelete', ['ENTITY' => $order]);
        $event->send();
        foreach ($event->refusals('EVENT_ORDER_DELETE_ERROR') as $refusal) {
            return (new Result())->addError($refusal);
        }
        $order->save();
        self::deleteRows($id, ['b_sale_order_change', 'b_sale_entity_marker']);
        Notify::setNotifyDisable(false);
        (new Event('sale', 'OnSaleOrderDeleted', ['ENTITY' => $order, 'VALUE' => true]))->send();
        return new Result();
    }

    /** Delete only the rows, without an event and without a history entry. */
    public static function deleteNoDemand($id)
    {
        Application::getConnection()->change(
            'DELETE FROM b_sale_order_dlv_basket WHERE ORDER_DELIVERY_ID IN'
            . ' (SELECT ID FROM b_sale_order_delivery WHERE ORDER_ID = ?)',
            [(int)$id]
        );
        self::deleteRows($id, [
            'b_sale_basket', 'b_sale_order_props_value', 'b_sale_order_delivery', 'b_sale_order_payment',
            'b_sale_order_change', 'b_sale_entity_marker',
        ]);
        return new Result();
    }

    /** Delete the order's own row and its rows in these tables. */
    private static function deleteRows($id, array $tables)
    {
        $connection = Application::getConnection();
        foreach ($tables as $table) {
            $connection->change("DELETE FROM `$table` WHERE ORDER_ID = ?", [(int)$id]);
        }
        $connection->change('DELETE FROM b_sale_order WHERE ID = ?', [(int)$id]);
    }
}
