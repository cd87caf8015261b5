<?php
/** The fake archive of orders. */

namespace Bitrix\Sale\Archive;

use Bitrix\Main\Application;
use Bitrix\Main\Event;
use Bitrix\Main\Type\DateTime;
use Bitrix\Sale\Order;
use Bitrix\Sale\Result;

class Manager
{
    const SALE_ARCHIVE_VERSION = 2;
    const COLUMNS = [
        'LID', 'ACCOUNT_NUMBER', 'DATE_INSERT', 'PERSON_TYPE_ID', 'USER_ID', 'STATUS_ID', 'PAYED', 'DEDUCTED',
        'CANCELED', 'PRICE', 'SUM_PAID', 'CURRENCY', 'XML_ID', 'ID_1C', 'RESPONSIBLE_ID', 'COMPANY_ID',
    ];

    /**
     * Archive orders. Only `ID` of the filter is supported. The orders are deleted from b_sale_order without an event.
     */
    public static function archiveOrders(array $filter = [], $limit = null, $timeExecution = null)
    {
        $count = 0;
        foreach ((array)($filter['ID'] ?? []) as $id) {
            $order = Order::load($id);
            $count += $order && self::archive($order) ? 1 : 0;
        }
        return (new Result())->setData(['count' => $count]);
    }

    private static function archive(Order $order)
    {
        $event = new Event('sale', 'OnSaleOrderBeforeArchived', ['ENTITY' => $order]);
        $event->send();
        if ($event->refusals('refused')) {
            return false;
        }
        $kept = array_intersect_key($order->getFieldValues(), array_flip(self::COLUMNS));
        Application::getConnection()->put('b_sale_order_archive', $kept + [
            'ORDER_ID' => $order->getId(), 'DATE_ARCHIVED' => new DateTime(), 'VERSION' => self::SALE_ARCHIVE_VERSION,
            'ORDER_DATA' => serialize(['ORDER' => ['ID' => $order->getId()]]),
        ]);
        foreach ($order->getShipmentCollection()->getNotSystemItems() as $shipment) {
            if ($shipment->getField('RESERVED') === 'Y' && !$shipment->isShipped()) {
                // A normal save releases the reservations, and sends its usual events.
                $order->unreserveAtSave();
                $order->save();
                break;
            }
        }
        Order::deleteNoDemand($order->getId());
        return true;
    }
}
