<?php
/**
 * The steps of a hit to the shop. Each public method is a step, and its name is in lower case.
 *
 * A step that saves an order returns the version of the order. If Bitrix has refused something, it returns {"refused":
 * [messages]} and saves nothing.
 */

use Bitrix\Main\Application;
use Bitrix\Main\Event;
use Bitrix\Sale\Basket;
use Bitrix\Sale\Delivery\Services\Manager as Deliveries;
use Bitrix\Sale\Order;
use Bitrix\Sale\PaySystem\Manager as PaySystems;
use Bitrix\Sale\Result;

class FakeSteps
{
    const LINE = ['product_id' => 696613, 'quantity' => 1];

    /** The orders that this hit has loaded for several steps, by name. */
    private $held = [];

    // Orders

    /**
     * Place an order, and return its id.
     *
     * All keys are optional: user_id, fields, properties, items, delivery_id, delivery_price and pay_system_id. The
     * keys of an item are product_id, quantity, price and base_price. An item with a price has a custom price. With
     * null as delivery_id or pay_system_id, the order has no delivery or no pay system.
     */
    public function create(array $order = [])
    {
        $made = Order::create('s1', $order['user_id'] ?? 1079, 'KZT');
        $made->setPersonTypeId(1);
        $basket = Basket::create('s1');
        $refusals = new Result();
        foreach ($order['items'] ?? [self::LINE] as $line) {
            $refusals->join($this->addLine($basket, $line));
        }
        $made->setBasket($basket);
        $deliveryId = array_key_exists('delivery_id', $order) ? $order['delivery_id'] : 1;
        $service = $deliveryId ? Deliveries::getObjectById($deliveryId) : null;
        $shipment = $made->getShipmentCollection()->createItem($service);
        foreach ($basket as $item) {
            $shipment->getShipmentItemCollection()->createItem($item)->setQuantity($item->getQuantity());
        }
        $shipment->setFields(['BASE_PRICE_DELIVERY' => $order['delivery_price'] ?? 1500, 'CURRENCY' => 'KZT']);
        $paySystemId = array_key_exists('pay_system_id', $order) ? $order['pay_system_id'] : 1;
        if ($paySystemId) {
            $payment = $made->getPaymentCollection()->createItem(PaySystems::getObjectById($paySystemId));
            $payment->setFields(['SUM' => $made->getPrice(), 'CURRENCY' => 'KZT']);
        }
        $refusals->join($this->put($made, $order['fields'] ?? [], $order['properties'] ?? []));
        if (!$refusals->isSuccess()) {
            return ['refused' => $refusals->getErrorMessages()];
        }
        $made->save();
        return $made->getId();
    }

    private function addLine(Basket $basket, array $line)
    {
        $sql = 'SELECT NAME FROM b_iblock_element WHERE ID = ?';
        $name = Application::getConnection()->one($sql, [$line['product_id']]);
        $fields = [
            'NAME' => $name ? $name['NAME'] : 'Товар', 'CURRENCY' => 'KZT', 'LID' => 's1',
            'PRODUCT_PROVIDER_CLASS' => '\Bitrix\Catalog\Product\CatalogProvider',
        ];
        if (isset($line['price'])) {
            $base = $line['base_price'] ?? $line['price'];
            $fields += ['CUSTOM_PRICE' => 'Y', 'BASE_PRICE' => $base, 'PRICE' => $line['price']];
        }
        $fields['QUANTITY'] = $line['quantity'] ?? 1;
        return $basket->createItem('catalog', $line['product_id'])->setFields($fields);
    }

    private function put(Order $order, array $fields, array $properties)
    {
        $result = new Result();
        foreach ($fields as $name => $value) {
            $result->join($order->setField($name, $value));
        }
        foreach ($order->getPropertyCollection() as $property) {
            if (array_key_exists($property->getField('CODE'), $properties)) {
                $result->join($property->setValue($properties[$property->getField('CODE')]));
            }
        }
        return $result;
    }

    private function saved(Order $order, Result $before = null)
    {
        if ($before && !$before->isSuccess()) {
            return ['refused' => $before->getErrorMessages()];
        }
        $order->save();
        return (int)$order->getField('VERSION');
    }

    public function change($id, array $fields = [], array $properties = [])
    {
        $order = Order::load($id);
        return $this->saved($order, $this->put($order, $fields, $properties));
    }

    public function delete($id)
    {
        $result = Order::delete($id);
        return $result->isSuccess() ?: ['refused' => $result->getErrorMessages()];
    }

    public function cancel($id, $flag = 'Y')
    {
        return $this->change($id, ['CANCELED' => $flag]);
    }

    // One order that this hit holds over several steps, while other hits save it too

    public function load($name, $id)
    {
        $this->held[$name] = Order::load($id);
        return (int)$this->held[$name]->getField('VERSION');
    }

    public function set($name, array $fields = [], array $properties = [])
    {
        return $this->put($this->held[$name], $fields, $properties)->getErrorMessages();
    }

    /** Set fields of one item of a held order. */
    public function set_line($name, $basketId, array $fields)
    {
        return $this->held[$name]->getBasket()->getItemById($basketId)->setFields($fields)->getErrorMessages();
    }

    /** Save a held order, and return its version and the warnings. */
    public function save($name)
    {
        $result = $this->held[$name]->save();
        return ['version' => (int)$this->held[$name]->getField('VERSION'), 'warnings' => $result->getWarningMessages()];
    }

    public function wait($milliseconds)
    {
        usleep($milliseconds * 1000);
        return true;
    }

    /** Report that this request has come so far, and wait until the test resumes it. */
    public function hold_until_resumed()
    {
        touch($_SERVER['DOCUMENT_ROOT'] . '/held');
        for ($number = 0; $number < 3000; $number++) {
            if (file_exists($_SERVER['DOCUMENT_ROOT'] . '/resumed')) {
                return true;
            }
            usleep(10000);
        }
        return false;
    }

    // Sums and items

    public function recalculate($id)
    {
        $order = Order::load($id);
        return $this->saved($order, $order->doFinalAction(true));
    }

    /** Set a total that may be different from the sum of the parts. */
    public function total($id, $price)
    {
        $order = Order::load($id);
        $order->setFieldNoDemand('PRICE', $price);
        return $this->saved($order);
    }

    public function quantity($id, $basketId, $quantity)
    {
        return $this->line($id, $basketId, ['QUANTITY' => $quantity]);
    }

    public function price($id, $basketId, $price)
    {
        return $this->line($id, $basketId, ['CUSTOM_PRICE' => 'Y', 'PRICE' => $price]);
    }

    public function line($id, $basketId, array $fields)
    {
        $order = Order::load($id);
        return $this->saved($order, $order->getBasket()->getItemById($basketId)->setFields($fields));
    }

    public function remove($id, $basketId)
    {
        $order = Order::load($id);
        return $this->saved($order, $order->getBasket()->getItemById($basketId)->delete());
    }

    // Payments and shipments

    public function pay($id, $flag = 'Y')
    {
        $order = Order::load($id);
        $result = new Result();
        foreach ($order->getPaymentCollection() as $payment) {
            $result->join($payment->setPaid($flag));
        }
        return $this->saved($order, $result);
    }

    public function unpay($id)
    {
        return $this->pay($id, 'N');
    }

    /** Add a payment, which is paid if the flag is Y. */
    public function payment($id, $sum, $paid = 'N', $paySystemId = 1)
    {
        $order = Order::load($id);
        $payment = $order->getPaymentCollection()->createItem(PaySystems::getObjectById($paySystemId));
        $result = $payment->setFields(['SUM' => $sum, 'CURRENCY' => 'KZT']);
        return $this->saved($order, $paid === 'Y' ? $result->join($payment->setPaid('Y')) : $result);
    }

    public function ship($id, $flag = 'Y')
    {
        return $this->shipment($id, ['DEDUCTED' => $flag]);
    }

    public function unship($id)
    {
        return $this->ship($id, 'N');
    }

    /** Set fields of every shipment except the system shipment. */
    public function shipment($id, array $fields)
    {
        $order = Order::load($id);
        $result = new Result();
        foreach ($order->getShipmentCollection()->getNotSystemItems() as $shipment) {
            $result->join($shipment->setFields($fields));
        }
        return $this->saved($order, $result);
    }

    public function archive($id)
    {
        return \Bitrix\Sale\Archive\Manager::archiveOrders(['ID' => $id])->getData()['count'];
    }

    // The old functions

    public function old_update($id, array $fields)
    {
        return CSaleOrder::Update($id, $fields);
    }

    public function old_status($id, $status)
    {
        return CSaleOrder::StatusOrder($id, $status);
    }

    public function old_pay($id, $flag)
    {
        return CSaleOrder::PayOrder($id, $flag);
    }

    public function old_cancel($id, $flag, $reason = '')
    {
        return CSaleOrder::CancelOrder($id, $flag, $reason);
    }

    public function old_property($orderId, $code, $value)
    {
        $sql = 'SELECT ID FROM b_sale_order_props_value WHERE ORDER_ID = ? AND CODE = ?';
        $row = Application::getConnection()->one($sql, [(int)$orderId, $code]);
        return CSaleOrderPropsValue::Update($row['ID'], ['ORDER_ID' => $orderId, 'VALUE' => $value]);
    }

    // Users, products, and the request itself

    public function guest()
    {
        return CSaleUser::GetAnonymousUserID();
    }

    public function letters($isOn)
    {
        \Bitrix\Sale\Notify::setNotifyDisable(!$isOn);
        return true;
    }

    public function user($id, array $fields)
    {
        (new CUser())->Update($id, $fields);
        return true;
    }

    public function product($event, $id, $iblockId)
    {
        $fields = ['ID' => $id, 'IBLOCK_ID' => $iblockId, 'RESULT' => true];
        (new Event('iblock', 'OnAfterIBlockElement' . $event, [$fields]))->send();
        return true;
    }

    public function agents()
    {
        CAgent::runAll();
        return true;
    }

    public function call($function)
    {
        return call_user_func($function);
    }

    /** Return the names of the events that this hit has sent so far. */
    public function events()
    {
        return Event::$sent;
    }

    /** Return IS_NEW and IS_CHANGED of each OnSaleOrderSaved of this hit. */
    public function saves()
    {
        return Event::$saves;
    }

    /**
     * Call query, queryScalar or queryExecute of the connection with these arguments. A date is returned as {"date":
     * …}.
     */
    public function sql($method, ...$arguments)
    {
        try {
            $found = Application::getConnection()->$method(...$arguments);
        } catch (\Bitrix\Main\DB\SqlQueryException $error) {
            return ['error' => $error->getMessage()];
        }
        $found = is_object($found) && !$found instanceof \Bitrix\Main\Type\Date ? $found->fetchAll() : $found;
        $plain = function ($value) {
            return $value instanceof \Bitrix\Main\Type\Date ? ['date' => $value->format('c')] : $value;
        };
        return is_array($found) ? array_map(function ($row) use ($plain) {
            return array_map($plain, $row);
        }, $found) : $plain($found);
    }

    public function escaped($text, $length = 0)
    {
        return Application::getConnection()->getSqlHelper()->forSql($text, $length);
    }

    public function lock($name, $seconds = 0)
    {
        return Application::getConnection()->lock($name, $seconds);
    }

    public function unlock($name)
    {
        return Application::getConnection()->unlock($name);
    }
}
