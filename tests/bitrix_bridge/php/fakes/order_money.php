<?php
/** The fake sums of an order: its total, the paid part of it, and what happens to overpayments. */

namespace Bitrix\Sale;

use Bitrix\Main\Config\Option;
use Bitrix\Main\Event;
use Bitrix\Sale\Internals\UserBudgetPool;

trait OrderMoney
{
    private $isInAction = false;
    private $isMeaningful = false;

    /** Return whether a change starts with this call. Further changes that it causes belong to the same change. */
    public function isStartField()
    {
        $isStart = !$this->isInAction;
        $this->isInAction = true;
        return $isStart;
    }

    public function noteMeaningful()
    {
        $this->isMeaningful = true;
    }

    public function hasMeaningfulField()
    {
        return $this->isMeaningful;
    }

    /** End a change. If the change concerns the sum, the total becomes the sum of the parts. */
    public function doFinalAction($hasMeaningfulField = false)
    {
        $result = new Result();
        if ($hasMeaningfulField && $this->getBasket()) {
            $this->isInAction = true;
            $event = ['ENTITY' => $this, 'HAS_MEANINGFUL_FIELD' => true, 'BASKET' => $this->getBasket()];
            (new Event('sale', 'OnBeforeSaleOrderFinalAction', $event))->send();
            $result->join($this->refreshOrderPrice());
            (new Event('sale', 'OnAfterSaleOrderFinalAction', ['ENTITY' => $this]))->send();
        }
        $this->isInAction = $this->isMeaningful = false;
        return $result;
    }

    public function refreshOrderPrice()
    {
        $basket = $this->getBasket();
        $price = ($basket ? $basket->getPrice() : 0.0) + $this->getShipmentCollection()->getPriceDelivery();
        return $this->setField('PRICE', $price);
    }

    public function refreshData()
    {
        $isStart = $this->isStartField();
        foreach ($this->getShipmentCollection()->getNotSystemItems() as $shipment) {
            $shipment->calculateDelivery();
        }
        $result = $this->refreshOrderPrice();
        return $isStart ? $result->join($this->doFinalAction($this->hasMeaningfulField())) : $result;
    }

    private function onPrice($old, $new)
    {
        $result = new Result();
        if ($old !== null) {
            $result->join($this->getPaymentCollection()->onOrderPrice($old, $new));
        }
        return $result->isSuccess() ? $result->join($this->syncOrderAndPayments()) : $result;
    }

    /** Apply a change of a field of a shipment to the order. */
    public function onShipmentModify(Shipment $shipment, $name, $old, $value)
    {
        switch ($shipment->isSystem() ? '' : $name) {
            case 'DELIVERY_ID':
            case 'TRACKING_NUMBER':
                $this->setFieldNoDemand($name, $value);
                break;
            case 'PRICE_DELIVERY':
                // The total is changed by the difference. A total that is not the sum of its parts remains different by
                // the same sum.
                $delivery = (float)$this->getField('PRICE_DELIVERY') - (float)$old + (float)$value;
                $this->setFieldNoDemand('PRICE_DELIVERY', $this->getId() ? $delivery : $value);
                return $this->setField('PRICE', $this->getPrice() - (float)$old + (float)$value);
            case 'ALLOW_DELIVERY':
                $isAllowed = $this->getShipmentCollection()->isAllowDelivery();
                $this->setFieldNoDemand('ALLOW_DELIVERY', $isAllowed ? 'Y' : 'N');
                break;
            case 'DEDUCTED':
                $isShipped = $this->getShipmentCollection()->isShipped();
                $this->setFieldNoDemand('DEDUCTED', $isShipped ? 'Y' : 'N');
                if ($isShipped) {
                    $this->setFieldNoDemand('DATE_DEDUCTED', $shipment->getField('DATE_DEDUCTED'));
                }
                break;
            case 'MARKED':
                return $value === 'Y' ? $this->setField('MARKED', 'Y') : new Result();
        }
        return new Result();
    }

    /** Apply a change of a field of a payment to the order. */
    public function onPaymentModify(Payment $payment, $name, $old, $value)
    {
        $copies = [
            'PAY_SYSTEM_ID' => 'PAY_SYSTEM_ID', 'DATE_PAID' => 'DATE_PAYED', 'EMP_PAID_ID' => 'EMP_PAYED_ID',
            'PAY_VOUCHER_NUM' => 'PAY_VOUCHER_NUM', 'PAY_VOUCHER_DATE' => 'PAY_VOUCHER_DATE',
        ];
        if (isset($copies[$name])) {
            $this->setFieldNoDemand($copies[$name], $value);
        }
        if ($name !== 'SUM' && $name !== 'PAID') {
            return new Result();
        }
        if ($this->isCanceled()) {
            return Result::refusal('Невозможно оплатить отмененный заказ', 'SALE_ORDER_PAID_ORDER_CANCELED');
        }
        return $name === 'SUM' && !$payment->isPaid() ? new Result() : $this->syncOrderAndPayments($payment);
    }

    /**
     * Compute PAYED and SUM_PAID from the payments. Each overpayment is booked on the customer's account. It is not
     * booked back when an ordinary payment is marked as unpaid.
     */
    private function syncOrderAndPayments(Payment $payment = null)
    {
        $before = $this->getField('PAYED');
        $paidSum = $this->getPaymentCollection()->getPaidSum();
        $price = $this->getPrice();
        if (!$payment) {
            $final = $this->getSumPaid() + $this->fromBudget($paidSum);
        } elseif ($payment->isPaid()) {
            $final = $paidSum > $price ? $this->getSumPaid() + $payment->getSum() : $paidSum;
        } else {
            $taken = $this->withdrawFromPool($payment, $paidSum);
            if (!$taken->isSuccess()) {
                return $taken;
            }
            $final = $taken->getData()['SUM_PAID'];
        }
        $isCovered = PriceMaths::roundPrecision($price) <= PriceMaths::roundPrecision($final);
        $isPaid = $final >= 0 && $this->getPaymentCollection()->hasPaidPayment() && $isCovered;
        $this->setFieldNoDemand('PAYED', $isPaid ? 'Y' : 'N');
        if ($this->fields->isChanged('PAYED')) {
            $this->later('OnSaleOrderPaid', ['ENTITY' => $this]);
        }
        if ($final > 0 && $final > $price) {
            if (!$payment || $payment->isPaid()) {
                UserBudgetPool::addPoolItem($this, $final - $price, UserBudgetPool::EXCESS_SUM_PAID, $payment);
            }
            $final = $price;
        }
        $this->setFieldNoDemand('SUM_PAID', $final);
        return $this->onAfterSyncPaid($before);
    }

    /**
     * Book back to the order what was booked on the customer's account earlier, if the price has risen.
     *
     * Only the sum that is still in the account can be booked back.
     */
    private function fromBudget($paidSum)
    {
        $missing = $this->getPrice() - $this->getSumPaid();
        $beside = $paidSum - $this->getSumPaid();
        if ($missing == 0 || $beside <= 0) {
            return 0.0;
        }
        $sum = min($missing, $beside, UserBudgetPool::getUserBudgetByOrder($this));
        if ($sum <= 0) {
            return 0.0;
        }
        UserBudgetPool::addPoolItem($this, -$sum, UserBudgetPool::ORDER_PAY);
        return $sum;
    }

    private function withdrawFromPool(Payment $payment, $paidSum)
    {
        $result = new Result();
        $debit = $payment->getSum();
        $most = $payment->getSum() + $paidSum - $this->getSumPaid();
        $isCovered = $most >= $payment->getSum();
        $result->setData(['SUM_PAID' => $isCovered ? $this->getSumPaid() : $paidSum]);
        $debit = $isCovered ? $debit : $most;
        if ($debit > 0 && $payment->isInner()) {
            $budget = UserBudgetPool::getUserBudgetByOrder($this);
            if (PriceMaths::roundPrecision($debit) > PriceMaths::roundPrecision($budget)) {
                $code = 'SALE_ORDER_PAYMENT_NOT_ENOUGH_USER_BUDGET_SYNCPAID';
                return Result::refusal('Ошибка при отмене оплаты', $code);
            }
            UserBudgetPool::addPoolItem($this, -$debit, UserBudgetPool::ORDER_CANCEL_PART, $payment);
        }
        return $result;
    }

    /** Set the status that the shop's options name for a payment, if they name one. */
    private function onAfterSyncPaid($before)
    {
        if ($before !== 'N' || $this->getField('STATUS_ID') === 'F') {
            return new Result();
        }
        $option = '';
        if ($this->isPaid()) {
            $option = 'status_on_paid';
        } elseif ($this->getPaymentCollection()->hasPaidPayment()) {
            $option = 'status_on_half_paid';
        }
        $status = $option === '' ? '' : (string)Option::get('sale', $option, '');
        return $status === '' ? new Result() : $this->setField('STATUS_ID', $status);
    }
}
