<?php
/**
 * A page of the stand-in shop: does the steps of a JSON request in one hit, as checkout or the back office would.
 *
 * {"steps": [["create", {…}], ["change", id, {column: value}, {code: value}], …], "dies": false}
 */

ob_start();
require $_SERVER['DOCUMENT_ROOT'] . '/bitrix/modules/main/include/prolog_before.php';

use Bitrix\Main\Application;
use Bitrix\Sale\Basket;
use Bitrix\Sale\Order;

function stand_in_set(Order $order, array $fields, array $properties)
{
    foreach ($fields as $name => $value) {
        $order->setField($name, $value);
    }
    foreach ($order->getPropertyCollection() as $property) {
        if (array_key_exists($property->getField('CODE'), $properties)) {
            $property->setValue($properties[$property->getField('CODE')]);
        }
    }
}

$GLOBALS['USER'] = new CUser();
$request = json_decode(file_get_contents('php://input'), true);
if (!empty($request['crontab'])) {
    define('BX_CRONTAB', true);
}
$answers = [];
foreach ($request['steps'] as $step) {
    $do = array_shift($step);
    if ($do === 'create') {
        $order = Order::create('s1', $step[0]['user_id'] ?? 1079, 'KZT');
        $order->setPersonTypeId(1);
        $basket = Basket::create('s1');
        $fields = ['NAME' => 'Букет Стандарт', 'PRICE' => 7500, 'BASE_PRICE' => 7500, 'CURRENCY' => 'KZT', 'QUANTITY' => 1];
        $basket->createItem('catalog', 696613)->setFields($fields);
        $order->setBasket($basket);
        $shipment = $order->getShipmentCollection()->createItem(\Bitrix\Sale\Delivery\Services\Manager::getObjectById(1));
        foreach ($basket as $item) {
            $shipment->getShipmentItemCollection()->createItem($item)->setQuantity($item->getQuantity());
        }
        $shipment->setFields(['PRICE_DELIVERY' => 1500, 'CURRENCY' => 'KZT']);
        $payment = $order->getPaymentCollection()->createItem(\Bitrix\Sale\PaySystem\Manager::getObjectById(1));
        $payment->setFields(['SUM' => $order->getPrice(), 'CURRENCY' => 'KZT']);
        stand_in_set($order, $step[0]['fields'] ?? [], $step[0]['properties'] ?? []);
        $order->save();
        $answers[] = $order->getId();
    } elseif ($do === 'change') {
        $order = Order::load($step[0]);
        stand_in_set($order, $step[1] ?? [], $step[2] ?? []);
        $order->save();
        $answers[] = (int)$order->getField('VERSION');
    } elseif ($do === 'pay') {
        $order = Order::load($step[0]);
        foreach ($order->getPaymentCollection() as $payment) {
            $payment->setPaid('Y');
        }
        $order->save();
        $answers[] = (int)$order->getField('VERSION');
    } elseif ($do === 'delete') {
        Order::delete($step[0]);
        $answers[] = true;
    } elseif ($do === 'user') {
        (new CUser())->Update($step[0], $step[1]);
        $answers[] = true;
    } elseif ($do === 'product') {
        $fields = ['ID' => $step[1], 'IBLOCK_ID' => $step[2], 'RESULT' => true];
        (new \Bitrix\Main\Event('iblock', 'OnAfterIBlockElement' . $step[0], [$fields]))->send();
        $answers[] = true;
    } elseif ($do === 'agents') {
        CAgent::runAll();
        $answers[] = true;
    } elseif ($do === 'wait') {
        usleep($step[0] * 1000);
        $answers[] = true;
    } elseif ($do === 'call') {
        $answers[] = call_user_func($step[0]);
    }
}
if (!empty($request['dies'])) {
    die(json_encode($answers));
}
while (ob_get_level()) {
    ob_end_clean();
}
CMain::FinalActions(json_encode($answers));
